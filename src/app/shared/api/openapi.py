"""The API's own description: FastAPI's, told what we really answer and how to authorise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from app.shared.api.caller import SECURITY_SCHEME, AuthenticatedCaller, Bearer
from app.shared.api.errors import BearerMalformedError
from app.shared.api.etag import IF_MATCH, versions_in
from app.shared.api.idempotency import IDEMPOTENCY_KEY, IdempotentRequest
from app.shared.api.problem_schema import HEADERS, PROBLEM, PROBLEM_ANSWER, PROBLEM_SCHEMA
from app.shared.api.refusals import codes_by_status
from app.shared.api.route_tree import Operation, operations

_NOT_OURS = ("HTTPValidationError", "ValidationError")
_RETRY_AFTER = (429, 503)
_KERNEL = {"health": "What orchestrators and operators ask."}
"""Tags of the kernel. A module's tag is described by the docstring of its package."""


def openapi(app: FastAPI, *, token_url: str | None = None) -> dict[str, Any]:
    """The whole description, made once per set of routes; `app.openapi()` is it from then on.

    With a `token_url` bearer tokens are described as what its password grant gives (RFC 6749
    §4.3), so that the Authorize button of the docs logs in; otherwise as something to paste.
    """
    description = app.openapi()
    components = description.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    if PROBLEM in schemas:
        return description
    for name in _NOT_OURS:
        schemas.pop(name, None)
    for name, schema in schemas.items():
        # All pages are titled "Page", and generated clients name their classes by the title.
        schema["title"] = name.strip("_")
    schemas[PROBLEM] = PROBLEM_SCHEMA
    components["headers"] = HEADERS
    if token_url and SECURITY_SCHEME in components.get("securitySchemes", {}):
        components["securitySchemes"][SECURITY_SCHEME] = {
            "type": "oauth2",
            "flows": {"password": {"tokenUrl": token_url, "scopes": {}}},
        }
    tags: dict[str, str] = {}
    for operation, described in _described(app, description):
        _correct_input(operation, described)
        _correct_security(operation, described)
        described["responses"] = _responses(operation, described["responses"])
        tags |= {tag: _about(tag, operation) for tag in described.get("tags", ())}
    description["tags"] = [{"name": tag, "description": text} for tag, text in tags.items()]
    return description


def _described(
    app: FastAPI, description: dict[str, Any]
) -> Iterator[tuple[Operation, dict[str, Any]]]:
    """Every operation beside what FastAPI says of it."""
    for operation in operations(app):
        path = description["paths"].get(operation.context.path_format, {})
        for method in operation.context.methods or ():
            if described := path.get(method.lower()):
                yield operation, described


def _correct_input(operation: Operation, described: dict[str, Any]) -> None:
    if operation.takes_form:
        described["requestBody"]["required"] = True
    if any(dependency.call is versions_in for dependency in operation.dependencies()):
        described["parameters"] = [*described.get("parameters", ()), IF_MATCH]
    if any(isinstance(one.call, IdempotentRequest) for one in operation.dependencies()):
        described["parameters"] = [*described.get("parameters", ()), IDEMPOTENCY_KEY]


def _correct_security(operation: Operation, described: dict[str, Any]) -> None:
    calls = [dependency.call for dependency in operation.dependencies()]
    if any(isinstance(call, AuthenticatedCaller) for call in calls):
        return
    if any(isinstance(call, Bearer) for call in calls):
        # It takes a token and can do without.
        described["security"] = [*described["security"], {}]


def _responses(operation: Operation, stated: dict[str, Any]) -> dict[str, Any]:
    """What the route states, and each refusal, by status."""
    if "HTTPValidationError" in str(stated.get("422")):
        del stated["422"]
    responses = dict(stated)
    for status, codes in codes_by_status(operation).items():
        refusal = _refusal(status, codes)
        # A route may have an answer of its own of the same status beside ours (RFC 6749 §5.2).
        own = stated.get(str(status), {}).get("content", {})
        responses[str(status)] = refusal | {"content": {**own, **PROBLEM_ANSWER}}
    for response in responses.values():
        response.setdefault("headers", {})["X-Request-ID"] = _header("X-Request-ID")
    return dict(sorted(responses.items()))


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    listed = ", ".join(f"`{code}`" for code in codes)
    headers = {}
    if BearerMalformedError.code in codes:
        # Why a token is not good any more is the business of whoever issues them.
        listed += ", or another error of the token"
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _header("WWW-Authenticate")
    if status in _RETRY_AFTER:
        headers["Retry-After"] = _header("Retry-After")
    return {"description": f"{HTTPStatus(status).phrase}: {listed}", "headers": headers}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _about(tag: str, operation: Operation) -> str:
    if tag in _KERNEL:
        return _KERNEL[tag]
    module = operation.route.endpoint.__module__
    package = ".".join(module.split(".")[:3])
    # A module's own tag has its name; another one is of a single file with routes.
    described = package if package.endswith(f".{tag}") else module
    return sys.modules[described].__doc__ or tag
