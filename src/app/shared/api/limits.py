"""How much of anything a request may have."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from app.shared.api.errors import (
    BadRequestError,
    BodyTooLargeError,
    HeadersTooLargeError,
    UriTooLongError,
)

MAX_URI_BYTES = 8_192
MAX_HEADERS = 128
MAX_HEADER_BYTES = 32_768

_LENGTH_DIGITS = 18
"""More than this is no length of anything, and not worth the cost of `int`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator decides of it, beside what nobody needs to change."""

    max_body_bytes: int = 65_536
    request_timeout: float = 10.0
    """Seconds from the request line to the first byte of the answer."""

    def check(self, scope: Scope) -> None:
        """Raises the refusal of what is too long, before any of it is read."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        # As it was sent: decoded, a path has as little as a twelfth of its length.
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(path) + len(scope["query_string"]) > MAX_URI_BYTES:
            raise UriTooLongError
        header_bytes = 0
        for name, value in headers:
            header_bytes += len(name) + len(value)
            if name == b"content-length":
                self._check_content_length(value)
        if len(headers) > MAX_HEADERS or header_bytes > MAX_HEADER_BYTES:
            raise HeadersTooLargeError

    def _check_content_length(self, value: bytes) -> None:
        if not value.isdigit():
            raise BadRequestError
        if len(value) > _LENGTH_DIGITS or int(value) > self.max_body_bytes:
            raise BodyTooLargeError
