"""What people and tools read: /problems/{code}, /openapi.json, /docs, /redoc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from app.shared.api.problem_pages import catalogue
from tests.e2e.visitor import refused

_LINKED = re.compile(r"""(?:src|href)\s*=\s*["']([^"']+)["']""")
_ANOTHER_HOST = re.compile(r"""(?:https?:)?//[a-z0-9.-]+""")


async def test_every_code_has_a_page(client: httpx.AsyncClient) -> None:
    codes = catalogue()

    pages = {code: await client.get(f"/problems/{code}") for code in codes}

    assert {"token_reused", "profile_pending", "validation", "throttled"} <= pages.keys()
    for code, page in pages.items():
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert f"<code>{code}</code>" in page.text


async def test_an_unknown_code_has_none_and_is_not_shown(client: httpx.AsyncClient) -> None:
    answer = await client.get("/problems/<script>alert(1)</script>")

    refused(answer, 404, "not_found")
    assert "script" not in answer.text


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_the_documentation_names_no_other_host(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(page)

    assert answer.status_code == 200
    assert _ANOTHER_HOST.findall(answer.text) == []
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_whatever_the_documentation_links_is_served_here(
    client: httpx.AsyncClient, page: str
) -> None:
    html = (await client.get(page)).text

    linked = [link for link in _LINKED.findall(html) if not link.startswith("data:")]

    assert len(linked) >= 2
    for link in linked:
        assert (await client.get(link)).status_code == 200
    assert "/openapi.json" in html


async def test_the_front_door_leads_to_the_documentation(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_the_description_is_valid(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()

    assert description["openapi"].startswith("3.1.")
    assert description["info"]["title"]
    for schema in _schemas(description):
        Draft202012Validator.check_schema(schema)
    for reference in _members(description, "$ref"):
        assert _resolved(description, reference)
    ids = list(_members(description["paths"], "operationId"))
    assert len(ids) == len(set(ids))
    assert all(operation["responses"] for operation in _operations(description))


async def test_every_example_and_every_default_is_valid(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()
    shown: list[tuple[Any, Any]] = []
    for schema in _objects(description):
        stated = [schema["default"]] if "default" in schema else []
        shown += [(schema, value) for value in (*stated, *schema.get("examples", ()))]
        if "in" in schema and "example" in schema:
            shown.append((schema["schema"], schema["example"]))

    wrong = [
        (schema, value)
        for schema, value in shown
        if not Draft202012Validator({**description, **schema}).is_valid(value)
    ]

    assert len(shown) >= 10
    assert wrong == []


async def test_operations_are_named_as_their_functions_and_tags_are_explained(
    client: httpx.AsyncClient,
) -> None:
    description = (await client.get("/openapi.json")).json()
    explained = {tag["name"]: tag["description"] for tag in description["tags"]}

    assert len({*explained.values()}) == len(explained)
    for operation in _operations(description):
        assert re.fullmatch("[a-z][a-z0-9_]*", operation["operationId"])
        assert all(len(explained[tag]) > 10 for tag in operation["tags"])
        statuses = {*operation["responses"]}
        assert statuses > {"400", "413", "414", "431", "500", "503"}
        assert ({"bearer": []} in operation.get("security", ())) <= ("401" in statuses)
        assert ("requestBody" in operation) <= (statuses >= {"415", "422"})


async def test_every_route_is_described(client: httpx.AsyncClient, app: FastAPI) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]

    described = {(method.upper(), path) for path, item in paths.items() for method in item}

    assert described >= {
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/login"),
        ("POST", "/api/v1/auth/refresh"),
        ("POST", "/api/v1/auth/logout"),
        ("POST", "/api/v1/auth/token"),
        ("GET", "/api/v1/auth/account"),
        ("GET", "/api/v1/users/me"),
        ("PATCH", "/api/v1/users/me"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/health/events"),
        ("GET", "/metrics"),
    }


async def test_the_authorize_button_logs_in_at_a_route_of_ours(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()

    [scheme] = description["components"]["securitySchemes"].values()

    assert scheme["type"] == "oauth2"
    assert scheme["flows"]["password"]["tokenUrl"] in description["paths"]
    assert description["paths"]["/api/v1/users/me"]["get"]["security"]


async def test_the_description_shows_no_default_of_the_framework(
    client: httpx.AsyncClient,
) -> None:
    text = (await client.get("/openapi.json")).text

    assert "HTTPValidationError" not in text
    assert "application/problem+json" in text


def _objects(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _objects(each)


def _operations(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in description["paths"].values():
        yield from item.values()


def _schemas(description: dict[str, Any]) -> Iterator[Any]:
    yield from description["components"]["schemas"].values()
    yield from _members(description["paths"], "schema")


def _members(part: Any, name: str) -> Iterator[Any]:
    if isinstance(part, dict):
        if name in part:
            yield part[name]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _members(each, name)


def _resolved(description: dict[str, Any], reference: str) -> Any:
    found: Any = description
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found
