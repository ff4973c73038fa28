"""A mail server as an operator names it: one URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

Security = Literal["starttls", "tls", "none"]

_SECURITY: dict[str, tuple[Security, int]] = {
    "smtp": ("starttls", 587),
    "smtps": ("tls", 465),
    "smtp+plain": ("none", 25),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where it is, how the way there is protected, and who we are to it."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> SmtpServer:
        """`smtp://` demands STARTTLS, `smtps://` is TLS from the start, `smtp+plain://` neither.

        Raises `ValueError`, which quotes nothing: there may be a password in it.
        """
        try:
            parts = urlsplit(url)
            security, usual_port = _SECURITY[parts.scheme]
            port = usual_port if parts.port is None else parts.port
        except (KeyError, ValueError):
            raise ValueError("is not an smtp://, smtps:// or smtp+plain:// URL") from None
        more = parts.path.strip("/") or parts.query or parts.fragment
        if not parts.hostname or not port or more or (parts.username and not parts.password):
            raise ValueError("is not like smtp://user:password@host:587")
        return cls(
            host=parts.hostname,
            port=port,
            security=security,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )
