"""A first sample of an event, drawn up from its JSON Schema for somebody to look over."""

from __future__ import annotations

from typing import Any

_PLAIN = {"string": "1", "integer": 1, "number": 1.5, "boolean": True, "null": None}
_FORMATS = {
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT1M",
}


def sample_of(schema: dict[str, Any]) -> Any:
    """A value of this schema, as far as types and formats say: a pattern or a range may not fit."""
    return _value(schema, schema.get("$defs", {}))


def _value(schema: dict[str, Any], types: dict[str, Any]) -> Any:
    match schema:
        case {"default": value} | {"const": value} | {"enum": [value, *_]}:
            return value
        case {"$ref": reference}:
            return _value(types[reference.rpartition("/")[2]], types)
        case {"anyOf": [first, *_]}:
            return _value(first, types)
        case {"properties": members}:
            return {name: _value(member, types) for name, member in members.items()}
        case {"prefixItems": items}:
            return [_value(item, types) for item in items]
        case {"items": item}:
            return [_value(item, types)]
        case {"format": form} if form in _FORMATS:
            return _FORMATS[form]
        case {"type": kind} if kind in _PLAIN:
            return _PLAIN[kind]
        case _:
            return {}
