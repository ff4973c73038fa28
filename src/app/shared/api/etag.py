"""Optimistic locking over HTTP: an ETag for a version, If-Match for the versions decided on."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Header

from app.shared.api.errors import MalformedPreconditionError, PreconditionRequiredError

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,17})"')


IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the version that was decided on; * overwrites whatever is there.",
    "schema": {"type": "string", "pattern": r'^(\*|"(0|[1-9][0-9]{0,17})")$'},
    "example": '"1"',
}
"""What `versions_in` reads, for the description: FastAPI would describe an optional list."""

VERSIONED: dict[str, Any] = {
    "headers": {
        "ETag": {
            "description": "The version of what is answered, for If-Match.",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
        }
    }
}
"""`responses={200: VERSIONED}`: the answer carries an ETag."""


def etag(version: int) -> str:
    """The strong entity tag (RFC 9110 §8.8.3) of a version."""
    return f'"{version}"'


async def versions_in(
    if_match: Annotated[list[str] | None, Header(include_in_schema=False)] = None,
) -> frozenset[int] | None:
    """The versions that If-Match admits, None for any (`*`).

    Tags that are weak (RFC 9110 §13.1.1 compares strongly) or not of our making admit nothing.
    """
    if if_match is None:
        raise PreconditionRequiredError
    stated = ",".join(if_match).strip()
    if stated == "*":
        return None
    tags = _TAG.findall(stated)
    if not tags or _TAG.sub("", stated).strip(", \t"):
        raise MalformedPreconditionError
    found = (_VERSION.fullmatch(tag) for tag in tags)
    return frozenset(int(version[1]) for version in found if version)


IfMatch = Annotated[frozenset[int] | None, Depends(versions_in)]
"""`expected: IfMatch`: refuses with 428 where the header is missing and 400 where it is garbage.

A version that it does not admit is for the use case to refuse, with a `StaleError`: 412.
"""
