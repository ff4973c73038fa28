"""Everything that a target answers to, as its own description of itself says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.shared.domain.ids import new_id
from tests.e2e.visitor import PASSWORD


@dataclass(frozen=True)
class Operation:
    """One method of one path, and what it reads."""

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)
    """By member, the schema of its JSON body; empty when it reads none."""
    is_form: bool = False
    parameters: tuple[tuple[str, str], ...] = ()
    """Where each of them is, and its name."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def reads_json(self) -> bool:
        return bool(self.body) and not self.is_form

    def url(self, **values: str) -> str:
        """With something of the right form wherever the caller says nothing."""
        url = self.path
        for place, name in self.parameters:
            if place == "path":
                url = url.replace(f"{{{name}}}", values.get(name, str(new_id())))
        return url

    def usual_body(self) -> dict[str, Any]:
        """What would be accepted for its form, with nothing in it that exists."""
        return {name: _example(name, schema) for name, schema in self.body.items()}

    def strings(self) -> list[str]:
        """The members of its body that may be text."""
        return [name for name, schema in self.body.items() if "string" in _types(schema)]


async def surface(client: httpx.AsyncClient) -> list[Operation]:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    found = [
        _operation(document, method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    assert len(found) > 10
    return found


def _operation(
    document: dict[str, Any], method: str, path: str, described: dict[str, Any]
) -> Operation:
    content = described.get("requestBody", {}).get("content", {})
    media = next(iter(content), "")
    schema = _resolved(document, content[media]["schema"]) if media else {}
    return Operation(
        method.upper(),
        path,
        {
            name: _resolved(document, member)
            for each in _alternatives(document, schema)
            for name, member in each.get("properties", {}).items()
        },
        "form" in media,
        tuple((each["in"], each["name"]) for each in described.get("parameters", [])),
    )


def _alternatives(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield _resolved(document, each)


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return _resolved(document, found)


def _types(schema: dict[str, Any]) -> set[str]:
    return {each.get("type", "") for each in (schema, *schema.get("anyOf", ()))}


def _example(name: str, schema: dict[str, Any]) -> Any:
    if "password" in name:
        return PASSWORD
    if "email" in name or name == "username":
        return f"a{new_id().hex}@example.com"
    kinds = _types(schema)
    if "array" in kinds:
        return []
    if "object" in kinds:
        return {}
    if "boolean" in kinds:
        return False
    if "integer" in kinds:
        return 1
    if "null" in kinds:
        return None
    return "x"
