"""Problems and the headers around them, as the API's description has them."""

from __future__ import annotations

from typing import Any

from app.shared.api.problems import ProblemAnswer

PROBLEM = "Problem"

PROBLEM_SCHEMA: dict[str, Any] = {
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
                "title": "ProblemMember",
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "RFC 6901: into the body, or what follows `/query`,"
                        " `/path`, `/header` or `/cookie`.",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

PROBLEM_ANSWER = {ProblemAnswer.media_type: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}}

HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "The id of this request in our logs.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "Retry-After": {
        "description": "Seconds until another try makes sense.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "RFC 6750 §3.",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
}
