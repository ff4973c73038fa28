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

from app.shared.api.client_address import client_address
from app.shared.api.cross_origin import CrossOrigin
from app.shared.api.errors import InternalError, RequestTimeoutError
from app.shared.api.exchange import Exchange
from app.shared.api.limits import Limits
from app.shared.api.problems import Problems
from app.shared.api.route_tree import path_templates
from app.shared.api.security_headers import SecurityHeaders
from app.shared.api.trusted_hosts import PROBES, TrustedHosts
from app.shared.application.deployment import Deployment
from app.shared.domain.errors import DomainError
from app.shared.domain.ids import new_id

_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACE_PARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_CLIENT_GONE = 499
"""What the log shows when nobody was left to answer; such a status is never sent."""

_log = structlog.get_logger("app.http")


class Boundary:
    """The one middleware, in plain ASGI: each `BaseHTTPMiddleware` would cost more than all this.

    It must be the outermost, so that whatever happens inside has an id and an answer. CORS, where
    origins are listed, is right inside of it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        problems: Problems,
        deployment: Deployment,
        observe: Callable[[str, str | None, int, float], None] | None = None,
    ) -> None:
        self._problems = problems
        self._hops = deployment.trusted_proxy_hops
        self._hosts = TrustedHosts(deployment.trusted_hosts)
        self._headers = SecurityHeaders(https=deployment.is_https)
        self._limits = Limits(
            max_body_bytes=deployment.max_body_bytes,
            request_timeout=deployment.request_timeout.total_seconds(),
        )
        self._cross_origin = None
        if deployment.cors_origins:
            self._cross_origin = CrossOrigin(
                app, origins=deployment.cors_origins, credentials=deployment.cors_credentials
            )
        self._app = self._cross_origin or app
        self._observe = observe
        """Is told the method, the route's path, the status and the seconds of each request."""
        self._templates: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"]
        request_id = str(new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        bound = bind_contextvars(request_id=request_id, **self._origin(scope))
        exchange = Exchange(
            receive,
            send,
            room=self._limits.max_body_bytes,
            request_id=request_id,
            headers=self._headers,
        )
        if method == "HEAD":
            # What GET answers (RFC 9110 §9.3.2), of every route alike; the server, which keeps
            # the scope that it made, leaves the body out.
            scope = {**scope, "method": "GET"}
        try:
            await self._serve(scope, exchange)
        finally:
            self._record(scope, method, exchange.status, perf_counter() - started)
            unbind_contextvars("actor")
            reset_contextvars(**bound)

    async def _serve(self, scope: Scope, exchange: Exchange) -> None:
        timeout = asyncio.timeout(self._limits.request_timeout)
        try:
            self._hosts.check(scope)
            self._limits.check(scope)
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
                send: Send = exchange.send
                if self._cross_origin is not None:
                    send = self._cross_origin.readable(scope, send)
                await answer(scope, exchange.receive, send)
            elif not exchange.finished:
                # Half an answer is out; only a cut connection tells the client so.
                raise

    def _origin(self, scope: Scope) -> dict[str, str]:
        """The caller's address, and the trace that the request belongs to (W3C Trace Context)."""
        origin = {}
        if address := client_address(scope, self._hops):
            # From here on it is the client's for everybody: logs, sessions, queues, throttling.
            scope["client"] = (address, (scope.get("client") or (None, 0))[1])
            origin["client"] = address
        for name, value in scope["headers"]:
            if name == b"traceparent" and _TRACE_PARENT.fullmatch(value):
                origin["traceparent"] = value.decode("ascii")
        return origin

    def _record(self, scope: Scope, method: str, status: int | None, seconds: float) -> None:
        if not self._templates:
            self._templates = path_templates(scope["app"])
        route = self._templates.get(scope.get("endpoint"))
        status = status or _CLIENT_GONE
        if self._observe is not None:
            self._observe(method, route, status, seconds)
        facts: dict[str, Any] = {
            "method": method,
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
        record = _log.debug if scope["path"].startswith(PROBES) else _log.info
        record("request", **facts)


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
