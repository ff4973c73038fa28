"""What every answer says to browsers and caches, whoever in this process made the answer."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]

_DEFAULTS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
"""Two years (RFC 6797 §6.1.1)."""


class SecurityHeaders:
    """The strictest words, for every answer that does not choose its own.

    They are for the day on which an answer is opened as a page after all: nothing in it runs, is
    framed, is guessed to be of another type, or stays in a cache.
    """

    def __init__(self, *, https: bool) -> None:
        self._defaults = (*_DEFAULTS, _HTTPS_ONLY) if https else _DEFAULTS

    def complete(self, stated: Iterable[Header]) -> list[Header]:
        """What was stated, and the defaults for the rest. Names are in lower case, as in ASGI."""
        headers = list(stated)
        names = {name for name, _ in headers}
        headers += [default for default in self._defaults if default[0] not in names]
        return headers
