"""Refusals as RFC 9457 problem details: one shape for every error that leaves the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TypedDict

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from app.shared.api.errors import (
    BadRequestError,
    BodyTooLargeError,
    CredentialsMissingError,
    InternalError,
    MethodNotAllowedError,
    RouteNotFoundError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
    status_of,
)
from app.shared.api.route_tree import methods_at
from app.shared.api.validation import InvalidMember, invalid_members
from app.shared.application.authorization import AccessForbiddenError
from app.shared.domain.errors import DomainError, InvalidError, UnavailableError

_REFUSAL_OF_STATUS: dict[int, type[DomainError]] = {
    401: CredentialsMissingError,
    403: AccessForbiddenError,
    404: RouteNotFoundError,
    405: MethodNotAllowedError,
    413: BodyTooLargeError,
    415: UnsupportedMediaTypeError,
}

_INITIALS = {"api", "uri", "url"}


class ProblemMembers(TypedDict, total=False):
    """The members of a problem document, ours beside those of RFC 9457 §3.1."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    terminal: bool
    errors: Sequence[InvalidMember]


class ProblemAnswer(JSONResponse):
    """A problem document on its way out."""

    media_type = "application/problem+json"


class Problems:
    """Turns refusals into answers. Nothing of the request is in them but the id we gave it."""

    def __init__(self, public_url: str) -> None:
        self._pages = f"{public_url.rstrip('/')}/problems/"

    def answer(
        self,
        error: DomainError,
        scope: Scope,
        *,
        status: int | None = None,
        errors: Sequence[InvalidMember] = (),
        headers: Mapping[str, str] | None = None,
    ) -> ProblemAnswer:
        state = scope.setdefault("state", {})
        state["problem"] = error.code
        if isinstance(error, UnavailableError) and error.__cause__:
            state["cause"] = _origin(error)
        status = status or status_of(type(error))
        members = ProblemMembers(
            type=self._pages + error.code,
            title=title_of(error.code),
            status=status,
            detail=error.detail,
            code=error.code,
        )
        if "request_id" in state:
            members["instance"] = f"urn:uuid:{state['request_id']}"
        if error.terminal is not None:
            members["terminal"] = error.terminal
        if isinstance(error, InvalidError) and error.pointer is not None:
            errors = [InvalidMember(pointer=error.pointer, detail=error.detail)]
        if errors:
            members["errors"] = errors
        added = {**(headers or {}), **state.get("problem_headers", {})}
        return ProblemAnswer(members, status, headers={**added, **_headers_of(error, status)})


def answer_with(scope: Scope, headers: Mapping[str, str]) -> None:
    """Let the problem that is about to be raised carry these headers too."""
    scope.setdefault("state", {})["problem_headers"] = headers


def _origin(error: BaseException) -> str:
    """The kind of error behind an outage, for the log: its message may hold anything."""
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__name__


def title_of(code: str) -> str:
    """The short name of a kind of problem, the same at every occurrence."""
    first, *others = (word.upper() if word in _INITIALS else word for word in code.split("_"))
    return " ".join([first[0].upper() + first[1:], *others])


def _headers_of(error: DomainError, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if error.retry_after is not None or status in (429, 503):
        headers["Retry-After"] = str(max(1, ceil(error.retry_after or 0)))
    if status == 401:
        # Only token errors say whether they are terminal, so a token was given (RFC 6750 §3.1).
        headers["WWW-Authenticate"] = (
            "Bearer" if error.terminal is None else 'Bearer error="invalid_token"'
        )
    return headers


def install_problem_handlers(app: FastAPI, problems: Problems) -> None:
    """Answer every refusal with a problem. Defects are left to the boundary, which logs them."""

    async def refuse(request: Request, error: Exception) -> Response:
        match error:
            case DomainError():
                return problems.answer(error, request.scope)
            case RequestValidationError():
                members = invalid_members(error, request.scope.get("route"))
                return problems.answer(ValidationFailedError(), request.scope, errors=members)
            case HTTPException(__cause__=DomainError() as cause):
                # FastAPI wraps whatever reading a form raises; inside is what we refused.
                return problems.answer(cause, request.scope)
            case HTTPException():
                return _answer_http(error, request)
            case _:
                raise error

    def _answer_http(error: HTTPException, request: Request) -> Response:
        status, headers = error.status_code, dict(error.headers or {})
        if status < 400:
            return Response(status_code=status, headers=headers)
        if status == 405 and (allowed := methods_at(app, request.scope["path"])):
            headers["Allow"] = ", ".join(allowed)
        unnamed = InternalError if status >= 500 else BadRequestError
        refusal = _REFUSAL_OF_STATUS.get(status, unnamed)()
        return problems.answer(refusal, request.scope, status=status, headers=headers)

    for kind in (DomainError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refuse)
