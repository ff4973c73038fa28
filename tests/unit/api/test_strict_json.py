"""Hostile bodies are refused in the documented way, and ordinary ones are not."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Form
from pydantic import BaseModel, Field

from app.shared.api.errors import MalformedBodyError
from app.shared.api.strict_json import (
    MAX_DEPTH,
    MAX_MEMBERS,
    LaxRouteError,
    Text,
    assert_strict,
    module_router,
    parse,
)
from tests.unit.api.small_app import ask, small_app

HOSTILE = json.loads(
    (Path(__file__).parents[2] / "data" / "hostile_json_bodies.json").read_text("utf-8")
)


class Registration(BaseModel):
    email: Annotated[Text, Field(pattern=r"^[^@\s\x00-\x1f]+@[a-z.]+$", max_length=254)]
    password: Annotated[str, Field(min_length=8, max_length=128)]
    name: Text = ""


class Note(BaseModel):
    note: Text = ""


def _registering() -> APIRouter:
    router = module_router("/sample", ["sample"])

    @router.post("/json")
    async def register(body: Registration) -> str:
        return body.name

    @router.post("/optional")
    async def note(body: Note | None = None) -> str:
        return body.note if body else "nothing"

    @router.post("/form")
    async def log_in(username: Annotated[str, Form()]) -> str:
        return username

    return router


@pytest.mark.parametrize("case", HOSTILE, ids=[case["id"] for case in HOSTILE])
async def test_a_hostile_body_is_answered_as_its_case_expects(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["body_b64"])
    headers = {"content-type": case["content_type"]} if case["content_type"] else {}

    answer = await ask(
        small_app(_registering()), "POST", "/api/v1/sample/json", content=body, headers=headers
    )

    expected = case["expect"].split("-or-")
    if answer.status_code == 200:
        assert {"2xx", "2xx-escaped", "ignored", "escaped"} & set(expected)
    else:
        assert "4xx" in expected
        assert answer.status_code in (400, 413, 415, 422)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": "\ud800"}',
        rb'{"\uDFFF": 1}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 12345678901234567890}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1} {}',
        b'{"a": "\x00"}',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 30_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        json.dumps({f"k{n}": n for n in range(MAX_MEMBERS + 1)}).encode(),
    ],
)
def test_a_document_that_readers_understand_differently_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError) as refusal:
        parse(body)

    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "document",
    [
        {"a": "\U0001f600 \u00e9 \x7f", "b": [1, -(2**63), 1.5e10, True, None]},
        [[{}] * 500],
        "text",
        None,
    ],
)
def test_an_ordinary_document_is_read_as_it_is(document: object) -> None:
    assert parse(json.dumps(document).encode()) == document
    assert parse(json.dumps(document, ensure_ascii=False).encode()) == document


def test_the_deepest_allowed_document_is_read() -> None:
    body = b"[" * MAX_DEPTH + b'"[[{"' + b"]" * MAX_DEPTH

    assert json.dumps(parse(body)).encode() == body


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON", 200),
        ("application/json; charset=utf-8", 200),
        ('application/json;charset="UTF-8"', 200),
        ("application/merge-patch+json", 200),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=utf-7", 415),
        ("application/jsonp", 415),
        ("application/json, text/plain", 415),
        ("text/json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_json_is_read_under_its_own_media_types_only(content_type: str, status: int) -> None:
    answer = await ask(
        small_app(_registering()),
        "POST",
        "/api/v1/sample/optional",
        content=b'{"note": "x"}',
        headers={"content-type": content_type},
    )

    assert answer.status_code == status


async def test_an_optional_body_may_be_left_out() -> None:
    answer = await ask(small_app(_registering()), "POST", "/api/v1/sample/optional")

    assert answer.json() == "nothing"


async def test_text_for_the_database_has_no_nul() -> None:
    answer = await ask(
        small_app(_registering()), "POST", "/api/v1/sample/optional", json={"note": "a\x00b"}
    )

    assert answer.status_code == 422


async def test_a_form_is_read_where_the_route_declares_it_and_nothing_else_is() -> None:
    app = small_app(_registering())

    form = await ask(app, "POST", "/api/v1/sample/form", data={"username": "ada"})
    document = await ask(app, "POST", "/api/v1/sample/form", json={"username": "ada"})

    assert form.json() == "ada"
    assert document.status_code == 415


def test_an_application_with_only_strict_routes_passes() -> None:
    assert_strict(small_app(_registering()))


def test_a_route_that_reads_bodies_by_other_rules_is_named() -> None:
    app = FastAPI()
    lax = APIRouter(prefix="/lax")

    @lax.post("/take")
    async def take(body: Registration) -> None: ...

    @lax.get("/fine")
    async def fine() -> None: ...

    app.include_router(lax, prefix="/api")

    with pytest.raises(LaxRouteError, match=r"^POST /api/lax/take$"):
        assert_strict(app)
