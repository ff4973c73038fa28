"""What surrounds every request: its id, its limits, its line in the log, and our own defects."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

import structlog
from fastapi.exceptions import ResponseValidationError
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars, unbind_contextvars

from app.shared.api.errors import (
    BadRequestError,
    BodyTooLargeError,
    HeadersTooLargeError,
    InternalError,
    RequestTimeoutError,
    UriTooLongError,
)
from app.shared.api.exchange import Exchange
from app.shared.api.problems import Problems
from app.shared.api.route_tree import path_templates
from app.shared.domain.errors import DomainError
from app.shared.domain.ids import new_id

MAX_URI_BYTES = 8_192
MAX_HEADERS = 128
MAX_HEADER_BYTES = 32_768

_LENGTH_DIGITS = 18
"""More than this is no length of anything, and not worth the cost of `int`."""
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACE_PARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PROBES = ("/health/", "/metrics")
_CLIENT_GONE = 499
"""What the log shows when nobody was left to answer; such a status is never sent."""

_log = structlog.get_logger("app.http")


class Boundary:
    """The one middleware, in plain ASGI: each `BaseHTTPMiddleware` would cost more than all this.

    It must be the outermost, so that whatever happens inside has an id and an answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        problems: Problems,
        max_body_bytes: int = 65_536,
        request_timeout: float = 10.0,
        observe: Callable[[str, str | None, int, float], None] | None = None,
    ) -> None:
        self._app = app
        self._problems = problems
        self._max_body_bytes = max_body_bytes
        self._request_timeout = request_timeout
        """Seconds from the request line to the first byte of the answer."""
        self._observe = observe
        """Is told the method, the route's path, the status and the seconds of each request."""
        self._templates: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = str(new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        bound = bind_contextvars(request_id=request_id, **_origin(scope))
        exchange = Exchange(receive, send, self._max_body_bytes, request_id)
        try:
            await self._serve(scope, exchange)
        finally:
            self._record(scope, exchange.status, perf_counter() - started)
            unbind_contextvars("actor")
            reset_contextvars(**bound)

    async def _serve(self, scope: Scope, exchange: Exchange) -> None:
        timeout = asyncio.timeout(self._request_timeout)
        try:
            self._check_size(scope)
            async with timeout:
                exchange.timeout = timeout
                await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            return
        except Exception as error:
            exchange.timeout = None
            refusal = _refusal_of(error, timed_out=timeout.expired())
            if exchange.status is None:
                answer = self._problems.answer(refusal, scope)
                await answer(scope, exchange.receive, exchange.send)
            elif not exchange.finished:
                # Half an answer is out; only a cut connection tells the client so.
                raise

    def _check_size(self, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if len(scope["path"]) + len(scope["query_string"]) > MAX_URI_BYTES:
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
        if len(value) > _LENGTH_DIGITS or int(value) > self._max_body_bytes:
            raise BodyTooLargeError

    def _record(self, scope: Scope, status: int | None, seconds: float) -> None:
        if not self._templates:
            self._templates = path_templates(scope["app"])
        route = self._templates.get(scope.get("endpoint"))
        status = status or _CLIENT_GONE
        if self._observe is not None:
            self._observe(scope["method"], route, status, seconds)
        facts: dict[str, Any] = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 3),
        }
        if problem := scope["state"].get("problem"):
            facts["problem"] = problem
        if cause := scope["state"].get("cause"):
            facts["cause"] = cause
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _SANE_ID.fullmatch(value):
                facts["client_request_id"] = value.decode("ascii")
        record = _log.debug if scope["path"].startswith(_PROBES) else _log.info
        record("request", **facts)


def _origin(scope: Scope) -> dict[str, str]:
    """The caller's address, and the trace that the request belongs to (W3C Trace Context)."""
    address, _ = scope.get("client") or (None, None)
    origin = {"client": address} if address else {}
    for name, value in scope["headers"]:
        if name == b"traceparent" and _TRACE_PARENT.fullmatch(value):
            origin["traceparent"] = value.decode("ascii")
    return origin


def _refusal_of(error: Exception, *, timed_out: bool) -> DomainError:
    """What the client is told; what it is not told goes into the log."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, TimeoutError) and timed_out:
        return RequestTimeoutError()
    _log.error("request failed", exc_info=_without_input(error))
    return InternalError()


def _without_input(error: Exception) -> BaseException:
    """The error as it may be logged: pydantic's messages quote what did not fit."""
    if not isinstance(error, ResponseValidationError | ValidationError):
        return error
    places = "; ".join(f"{item['type']} at {item['loc']}" for item in error.errors())
    return TypeError(f"{type(error).__name__}: {places}").with_traceback(error.__traceback__)
