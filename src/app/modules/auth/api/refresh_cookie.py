"""Cookie mode: the refresh token in a cookie that no script can read, in place of the body.

A browser sends it whoever asks, so these routes want to know that a page of ours asks. The name's
prefix `__Host-` makes browsers refuse it from any other host, path or scheme (RFC 6265bis §4.1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import Request, Response

from app.shared.api.errors import (
    AmbiguousCredentialsError,
    CredentialsMissingError,
    OriginRefusedError,
)
from app.shared.api.problems import answer_with
from app.shared.domain.errors import UnauthenticatedError

COOKIE = "__Host-refresh_token"
MAY_COME_WITH_A_COOKIE = (OriginRefusedError, AmbiguousCredentialsError)
"""What routes that take a refresh token are refused with, beside the token's own refusals."""

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict"


@dataclass(frozen=True)
class RefreshCookie:
    """What the routes that give, take or end a refresh token have in common.

    Where it is not `enabled`, cookies mean nothing and every method does nothing.
    """

    enabled: bool = False
    origins: frozenset[str] = frozenset()
    """Where the pages come from that may use it, beside our own origin as the browser knows it."""

    def check_origin(self, request: Request) -> None:
        """Raises `OriginRefusedError` unless the browser says that a page of ours asks."""
        if not self.enabled:
            return
        stated = request.headers.getlist("origin")
        if len(stated) == 1 and stated[0] in self.origins:
            return
        if request.headers.getlist("sec-fetch-site") == ["same-origin"]:
            return
        raise OriginRefusedError

    def token_of(self, request: Request, in_body: str | None) -> str | None:
        """From the cookie or from the body; raises `AmbiguousCredentialsError` for both."""
        in_cookie = request.cookies.get(COOKIE) if self.enabled else None
        if in_cookie is not None and in_body is not None:
            raise AmbiguousCredentialsError("Send one refresh token, in the cookie or in the body.")
        return in_cookie if in_body is None else in_body

    def required_token_of(self, request: Request, in_body: str | None) -> str:
        """As `token_of`; raises `CredentialsMissingError` where there is none."""
        token = self.token_of(request, in_body)
        if token is None:
            raise CredentialsMissingError("Send a refresh token.")
        return token

    def carry(self, response: Response, refresh_token: str, seconds: int) -> bool:
        """Whether the answer has it now, so that the body must not."""
        if self.enabled:
            cookie = f"{COOKIE}={refresh_token}; Max-Age={seconds}; {_ATTRIBUTES}"
            response.headers.append("Set-Cookie", cookie)
        return self.enabled

    def clear(self, response: Response) -> None:
        if self.enabled:
            response.headers.append("Set-Cookie", _CLEARED)

    @contextmanager
    def cleared_when_over(self, request: Request) -> Iterator[None]:
        """Takes the cookie away with a refusal that is terminal, and with no other: whatever may
        still come right needs the token."""
        try:
            yield
        except UnauthenticatedError as refusal:
            if self.enabled and refusal.terminal:
                answer_with(request.scope, {"Set-Cookie": _CLEARED})
            raise


_CLEARED = f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"
