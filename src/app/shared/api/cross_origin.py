"""Which pages of other origins may read our answers (CORS, the Fetch standard)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Scope, Send

from app.shared.api.errors import OriginRefusedError

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_REQUEST_HEADERS = (
    "Authorization",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Traceparent",
    "X-Request-ID",
)
_ANSWER_HEADERS = (
    "Allow",
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)


class CrossOrigin(CORSMiddleware):
    """Starlette's, which knows the origins by heart and reflects no other."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str], credentials: bool) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            allow_credentials=credentials,
            expose_headers=_ANSWER_HEADERS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Raises `OriginRefusedError`, so that this refusal is a problem like every other."""
        answer = super().preflight_response(request_headers)
        if answer.status_code >= 400:
            raise OriginRefusedError
        return answer

    def readable(self, scope: Scope, send: Send) -> Send:
        """`send` for an answer that is made outside of the application: a browser may read it."""
        return partial(self.send, send=send, request_headers=Headers(scope=scope))
