"""What counts as an addition to the schema of an event, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tools.schema_changes import breaking_changes

COMMITTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "title": "Title"},
        "grams": {"type": "integer", "default": 0},
        "colour": {"$ref": "#/$defs/Colour"},
        "line": {"$ref": "#/$defs/Line"},
    },
    "required": ["title", "colour", "line"],
    "$defs": {
        "Colour": {"type": "string", "enum": ["red"]},
        "Line": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
    },
}


NOTE = {"type": "string", "default": ""}
PIECES = {"type": "integer", "default": 1}


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"properties": {"note": NOTE}},
        {"properties": {"title": {"title": "Heading"}}},
        {"$defs": {"Line": {"description": "One of many."}}},
        {"$defs": {"Line": {"properties": {"pieces": PIECES}}}},
        {"properties": {"size": {"$ref": "#/$defs/Size"}}, "$defs": {"Size": {"enum": ["small"]}}},
    ],
)
def test_an_addition_breaks_nothing(patch: dict[str, Any]) -> None:
    assert breaking_changes(COMMITTED, patched(COMMITTED, patch)) == []


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ({"properties": {"grams": None}}, "`grams` is gone"),
        ({"properties": {"title": None}, "required": ["colour", "line"]}, "`title` is gone"),
        ({"properties": {"grams": {"type": "number"}}}, "`grams` has another type or default"),
        ({"properties": {"grams": {"default": 1}}}, "`grams` has another type or default"),
        ({"properties": {"title": {"format": "uuid"}}}, "`title` has another type or default"),
        ({"required": ["title", "colour", "line", "grams"]}, "`grams` is required"),
        (
            {"properties": {"to": NOTE}, "required": ["title", "colour", "line", "to"]},
            "`to` is required",
        ),
        ({"required": ["colour", "line"]}, "`title` may be missing"),
        ({"additionalProperties": False}, "the payload is of another kind"),
        (
            {"$defs": {"Colour": {"enum": ["red", "blue"]}}},
            "the type `Colour` is of another kind",
        ),
        ({"$defs": {"Line": {"required": []}}}, "`Line.sku` may be missing"),
        (
            {"$defs": {"Line": {"properties": {"sku": None}, "required": []}}},
            "`Line.sku` is gone",
        ),
        ({"$defs": {"Line": None}}, "the type `Line` is gone"),
    ],
)
def test_whatever_is_not_an_addition_breaks_and_is_named(patch: dict[str, Any], named: str) -> None:
    assert breaking_changes(COMMITTED, patched(COMMITTED, patch)) == [named]


def patched(schema: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The schema with the patch merged in (RFC 7396): what is None is taken away."""
    result = dict(schema)
    for name, value in patch.items():
        if value is None:
            del result[name]
        elif isinstance(value, dict):
            result[name] = patched(result.get(name, {}), value)
        else:
            result[name] = value
    return result
