"""What did not fit the schema, told without a word of what was sent.

Pydantic's own messages, contexts and even locations quote the input (a bad tag, a character of a
broken UUID, the name of an unknown member), so all three are replaced by our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypedDict

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

MAX_MEMBERS = 20
"""An answer lists no more than this, so that a small body cannot ask for a huge answer."""


class InvalidMember(TypedDict):
    """Where (RFC 6901) something is wrong, and what.

    In the body the pointer starts at its root; elsewhere it starts with `/query`, `/path`,
    `/header` or `/cookie`.
    """

    pointer: str
    detail: str


_OTHERWISE = "This value does not fit."
_DETAILS = {
    "missing": "This is required.",
    "extra_forbidden": "This has a member that is not known.",
    "string_type": "This must be a string.",
    "string_too_short": "This must have at least {min_length} characters.",
    "string_too_long": "This must have at most {max_length} characters.",
    "string_pattern_mismatch": "This does not have the expected form.",
    "too_short": "This must have at least {min_length} items.",
    "too_long": "This must have at most {max_length} items.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "float_type": "This must be a number.",
    "float_parsing": "This must be a number.",
    "greater_than": "This must be greater than {gt}.",
    "greater_than_equal": "This must be at least {ge}.",
    "less_than": "This must be less than {lt}.",
    "less_than_equal": "This must be at most {le}.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "dataclass_type": "This must be an object.",
    "enum": "This must be {expected}.",
    "literal_error": "This must be {expected}.",
    "uuid_type": "This must be a UUID.",
    "uuid_parsing": "This must be a UUID.",
    "datetime_type": "This must be a date and time (RFC 3339).",
    "datetime_parsing": "This must be a date and time (RFC 3339).",
    "datetime_from_date_parsing": "This must be a date and time (RFC 3339).",
    "timezone_aware": "This must have a time zone.",
}
"""By pydantic's type of error. What is filled in are limits of the schema, never input."""
_ONE_OF_MANY = re.compile(r"\b(1 character|1 item)s\b")


def invalid_members(error: RequestValidationError, route: object) -> list[InvalidMember]:
    """The places that do not fit, each once."""
    known = _names_of_body(route) if isinstance(route, APIRoute) else frozenset()
    found: dict[tuple[str, str], None] = {}
    for item in error.errors():
        found[_pointer(item["type"], item["loc"], known), _detail(item)] = None
        if len(found) == MAX_MEMBERS:
            break
    return [InvalidMember(pointer=pointer, detail=detail) for pointer, detail in found]


def _detail(item: Mapping[str, Any]) -> str:
    detail = _DETAILS.get(item["type"], _OTHERWISE).format_map(item.get("ctx", {}))
    return _ONE_OF_MANY.sub(r"\1", detail)


def _pointer(kind: str, location: Sequence[str | int], known: frozenset[str]) -> str:
    """The location as far as the schema names it: names beyond that were chosen by the caller."""
    steps = list(location[:-1] if kind == "extra_forbidden" else location)
    if steps and steps[0] == "body":
        steps = list(_declared(steps[1:], known))
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _declared(steps: Sequence[str | int], known: frozenset[str]) -> Iterator[str | int]:
    for step in steps:
        if isinstance(step, str) and step not in known:
            return
        yield step


def _names_of_body(route: APIRoute) -> frozenset[str]:
    if route.body_field is None:
        return frozenset()
    body: Any = route.body_field.field_info.annotation
    return _names_of(body)


@lru_cache(maxsize=1024)
def _names_of(body: Any) -> frozenset[str]:
    """Every member name that the body's JSON schema declares, at any depth."""
    return frozenset(_properties(TypeAdapter(body).json_schema()))


def _properties(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(properties := schema.get("properties"), dict):
            yield from properties
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)
