"""Whether a JSON Schema of an event was only added to; whatever else happened to it, named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_WORDS = {"title", "description"}
_STRUCTURE = {"properties", "required", "$defs"}


def breaking_changes(committed: Schema, present: Schema) -> list[str]:
    """What makes the present schema more than an addition to the committed one.

    An addition is a member that may be missing, at the top or in a type that the event holds, and
    other words about a member. Everything else is read wrongly by the code of the other schema: a
    wider type or another value of an enum by older processes, another default by what was stored
    before the member was there.
    """
    found = [*_between(committed, present, "")]
    types = present.get("$defs", {})
    for name, before in committed.get("$defs", {}).items():
        if name in types:
            found += _between(before, types[name], f"{name}.")
        else:
            found.append(f"the type `{name}` is gone")
    return found


def _between(before: Schema, after: Schema, owner: str) -> Iterator[str]:
    members, present = before.get("properties", {}), after.get("properties", {})
    for name, member in members.items():
        if name not in present:
            yield f"`{owner}{name}` is gone"
        elif _facts(member) != _facts(present[name]):
            yield f"`{owner}{name}` has another type or default"
    required, demanded = set(before.get("required", ())), set(after.get("required", ()))
    yield from (f"`{owner}{name}` is required" for name in sorted(demanded - required))
    yield from (
        f"`{owner}{name}` may be missing" for name in sorted((required - demanded) & present.keys())
    )
    if _without_structure(before) != _without_structure(after):
        yield f"{f'the type `{owner[:-1]}`' if owner else 'the payload'} is of another kind"


def _without_structure(schema: Schema) -> Any:
    return _facts({fact: value for fact, value in schema.items() if fact not in _STRUCTURE})


def _facts(schema: Any) -> Any:
    """The schema without what is there for people. A member named `title` has no text under it."""
    match schema:
        case dict():
            return {
                name: _facts(value)
                for name, value in schema.items()
                if not (name in _WORDS and isinstance(value, str))
            }
        case list():
            return [_facts(value) for value in schema]
        case _:
            return schema
