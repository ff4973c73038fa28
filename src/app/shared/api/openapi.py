"""The API's own description: FastAPI's, told about our problems and our way to authorise."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.shared.api.caller import SECURITY_SCHEME
from app.shared.api.problems import ProblemAnswer

_PROBLEM = "Problem"
_NOT_OURS = ("HTTPValidationError", "ValidationError")
_ANSWER = {"$ref": f"#/components/responses/{_PROBLEM}"}

_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page about the code."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; decide by this one."},
        "instance": {"type": "string", "format": "uri", "description": "The request's id."},
        "terminal": {
            "type": "boolean",
            "description": "For token errors: whether to forget the token and log in again.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def openapi(app: FastAPI, *, token_url: str | None = None) -> dict[str, Any]:
    """The whole description, made once per set of routes; `app.openapi()` is it from then on.

    With a `token_url` bearer tokens are described as what its password grant gives (RFC 6749
    §4.3), so that the Authorize button of the docs logs in; otherwise as something to paste.
    """
    description = app.openapi()
    components = description.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    if _PROBLEM in schemas:
        return description
    for name in _NOT_OURS:
        schemas.pop(name, None)
    schemas[_PROBLEM] = _PROBLEM_SCHEMA
    components["responses"] = {
        _PROBLEM: {
            "description": "The request was refused.",
            "content": {
                ProblemAnswer.media_type: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}
            },
        }
    }
    if token_url and SECURITY_SCHEME in components.get("securitySchemes", {}):
        components["securitySchemes"][SECURITY_SCHEME] = {
            "type": "oauth2",
            "flows": {"password": {"tokenUrl": token_url, "scopes": {}}},
        }
    for path in description["paths"].values():
        for operation in path.values():
            _document_refusals(operation["responses"])
    return description


def _document_refusals(responses: dict[str, Any]) -> None:
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    responses.setdefault("4XX", _ANSWER)
    responses.setdefault("5XX", _ANSWER)
