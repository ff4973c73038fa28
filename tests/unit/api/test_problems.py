"""Every refusal leaves as a problem, and none repeats what was sent."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, field_validator
from starlette.exceptions import HTTPException

from app.shared.api.errors import (
    STATUS_OF_KIND,
    UnmappedErrorError,
    UnsupportedMediaTypeError,
    status_of,
)
from app.shared.api.problems import title_of
from app.shared.api.strict_json import module_router
from app.shared.api.validation import MAX_MEMBERS
from app.shared.domain.errors import DomainError, InvalidError, UnauthenticatedError
from tests.unit.api.small_app import PUBLIC_URL, ask, small_app

SECRET = "s3cret-Zq9x"


class Colour(Enum):
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]


class Everything(BaseModel, extra="forbid"):
    name: Annotated[str, Field(min_length=3, max_length=5, pattern="^[a-z]+$")] = "abc"
    id: UUID | None = None
    colour: Colour = Colour.RED
    scores: dict[str, int] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    items: list[Cat] = []
    initial: Annotated[str, Field(min_length=1)] = "a"
    tags: Annotated[list[str], Field(min_length=1, max_length=11)] = ["a"]

    @field_validator("name")
    @classmethod
    def refuse_loudly(cls, name: str) -> str:
        if name == "zzz":
            raise ValueError(f"we do not like {SECRET}")
        return name


class ShortError(InvalidError):
    """Too short."""

    code = "short"
    detail = "This is too short."
    pointer = "/password"


class LateError(UnauthenticatedError):
    """A token that comes too late, and may come back."""

    code = "late"
    detail = "Later."
    terminal: ClassVar[bool | None] = False


class Page(BaseModel, extra="forbid"):
    limit: int = 10


def _raising(error: Exception) -> APIRouter:
    router = module_router("/raise", ["raise"])

    @router.get("")
    async def refuse() -> None:
        raise error

    return router


def _taking_everything() -> APIRouter:
    router = module_router("/all", ["all"])

    @router.post("")
    async def take(body: Everything, limit: Annotated[int, Query(le=9)] = 1) -> None: ...

    return router


@pytest.mark.parametrize("kind", STATUS_OF_KIND)
async def test_a_refusal_has_the_status_and_the_members_of_its_kind(
    kind: type[DomainError],
) -> None:
    # Classes outlive their test, and each code has one meaning.
    code = f"refused_as_{STATUS_OF_KIND[kind]}"
    refusal = type("ThingError", (kind,), {"code": code, "detail": "No such thing."})
    app = small_app(_raising(refusal()))

    answer = await ask(app, "GET", "/api/v1/raise")

    problem = answer.json()
    assert answer.status_code == problem["status"] == STATUS_OF_KIND[kind]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert problem == {
        "type": f"{PUBLIC_URL}/problems/{code}",
        "title": f"Refused as {STATUS_OF_KIND[kind]}",
        "status": STATUS_OF_KIND[kind],
        "detail": "No such thing.",
        "code": code,
        "instance": f"urn:uuid:{answer.headers['x-request-id']}",
    }


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("not_found", "Not found"),
        ("api_key_not_found", "API key not found"),
        ("too_many_api_keys", "Too many API keys"),
        ("avatar_url_invalid", "Avatar URL invalid"),
        ("uri_too_long", "URI too long"),
    ],
)
def test_the_title_is_the_code_in_words_with_initials_as_they_are_written(
    code: str, title: str
) -> None:
    assert title_of(code) == title


def test_a_refusal_of_no_kind_has_no_status() -> None:
    with pytest.raises(UnmappedErrorError):
        status_of(DomainError)


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.2, "1"), (0, "1"), (1, "1"), (12.01, "13"), (None, None)]
)
async def test_retry_after_is_in_whole_seconds_rounded_up(
    seconds: float | None, header: str | None
) -> None:
    app = small_app(_raising(LateError(retry_after=seconds)))

    answer = await ask(app, "GET", "/api/v1/raise")

    assert answer.status_code == 401
    assert answer.headers.get("retry-after") == header


@pytest.mark.parametrize("status", [429, 503])
async def test_too_often_and_unavailable_always_say_when_to_try_again(status: int) -> None:
    kind = next(kind for kind, known in STATUS_OF_KIND.items() if known == status)
    refusal = type("WaitError", (kind,), {"code": f"wait_{status}", "detail": "Wait."})
    app = small_app(_raising(refusal()))

    answer = await ask(app, "GET", "/api/v1/raise")

    assert answer.headers["retry-after"] == "1"


async def test_a_token_error_says_whether_it_is_terminal_and_names_the_token() -> None:
    app = small_app(_raising(LateError()))

    answer = await ask(app, "GET", "/api/v1/raise")

    assert answer.json()["terminal"] is False
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_401_without_a_token_does_not_speak_of_one() -> None:
    refusal = type("NobodyError", (UnauthenticatedError,), {"code": "nobody", "detail": "Who?"})
    app = small_app(_raising(refusal()))

    answer = await ask(app, "GET", "/api/v1/raise")

    assert answer.headers["www-authenticate"] == "Bearer"
    assert "terminal" not in answer.json()


async def test_a_domain_rule_points_at_its_member_like_the_schema_does() -> None:
    app = small_app(_raising(ShortError()))

    answer = await ask(app, "GET", "/api/v1/raise")

    assert answer.status_code == 422
    assert answer.json()["code"] == "short"
    assert answer.json()["errors"] == [{"pointer": "/password", "detail": "This is too short."}]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"name": "s3"}, [("/name", "This must have at least 3 characters.")]),
        ({"name": SECRET}, [("/name", "This must have at most 5 characters.")]),
        ({"initial": ""}, [("/initial", "This must have at least 1 character.")]),
        ({"tags": []}, [("/tags", "This must have at least 1 item.")]),
        ({"tags": [SECRET] * 12}, [("/tags", "This must have at most 11 items.")]),
        ({"name": "S3C"}, [("/name", "This does not have the expected form.")]),
        ({"name": "zzz"}, [("/name", "This value does not fit.")]),
        ({"name": {SECRET: SECRET}}, [("/name", "This must be a string.")]),
        ({"id": SECRET}, [("/id", "This must be a UUID.")]),
        ({"colour": SECRET}, [("/colour", "This must be 'red'.")]),
        ({SECRET: 1}, [("", "This has a member that is not known.")]),
        ({SECRET: 1, SECRET + "2": 1}, [("", "This has a member that is not known.")]),
        ({"scores": {SECRET: "x"}}, [("/scores", "This must be a whole number.")]),
        ({"pet": {"kind": SECRET}}, [("/pet", "This value does not fit.")]),
        ({"pet": {"kind": "cat", "lives": SECRET}}, [("/pet", "This must be a whole number.")]),
        ({"items": [{"kind": "cat"}]}, [("/items/0/lives", "This is required.")]),
        ([SECRET], [("", "This must be an object.")]),
        (SECRET, [("", "This must be an object.")]),
    ],
)
async def test_what_does_not_fit_is_named_and_never_repeated(
    body: object, errors: list[tuple[str, str]]
) -> None:
    app = small_app(_taking_everything())

    answer = await ask(app, "POST", "/api/v1/all", json=body)

    assert answer.status_code == 422
    assert answer.json()["code"] == "validation"
    assert [(item["pointer"], item["detail"]) for item in answer.json()["errors"]] == errors
    assert "s3" not in answer.text


async def test_a_query_parameter_is_pointed_at_outside_of_the_body() -> None:
    app = small_app(_taking_everything())

    answer = await ask(app, "POST", "/api/v1/all", json={}, params={"limit": "10"})

    assert answer.json()["errors"] == [
        {"pointer": "/query/limit", "detail": "This must be at most 9."}
    ]


async def test_the_name_of_an_unknown_query_parameter_is_not_repeated() -> None:
    router = module_router("/pages", ["pages"])

    @router.get("")
    async def pages(page: Annotated[Page, Query()]) -> None: ...

    answer = await ask(small_app(router), "GET", "/api/v1/pages", params={SECRET: "1"})

    assert answer.json()["errors"] == [
        {"pointer": "/query", "detail": "This has a member that is not known."}
    ]


async def test_a_small_body_cannot_ask_for_a_huge_answer() -> None:
    app = small_app(_taking_everything())

    answer = await ask(app, "POST", "/api/v1/all", json={"items": [{}] * 5_000})

    assert len(answer.json()["errors"]) == MAX_MEMBERS


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "unauthenticated"),
        (403, "forbidden"),
        (404, "not_found"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (418, "bad_request"),
        (501, "internal"),
    ],
)
async def test_an_exception_of_the_framework_becomes_a_problem(status: int, code: str) -> None:
    app = small_app(_raising(HTTPException(status, detail=SECRET)))

    answer = await ask(app, "GET", "/api/v1/raise")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert SECRET not in answer.text


async def test_an_unknown_path_is_a_problem() -> None:
    answer = await ask(small_app(), "GET", f"/{SECRET}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert SECRET not in answer.text


async def test_a_405_lists_what_all_routes_of_the_path_allow() -> None:
    router = module_router("/things", ["things"])

    @router.get("/{thing_id}")
    async def read(thing_id: int) -> None: ...

    @router.patch("/{thing_id}")
    async def change(thing_id: int) -> None: ...

    answer = await ask(small_app(router), "DELETE", "/api/v1/things/1")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, PATCH"
    assert answer.json()["code"] == "method_not_allowed"


async def test_what_reading_a_form_refused_keeps_its_status() -> None:
    wrapped = HTTPException(400)
    wrapped.__cause__ = UnsupportedMediaTypeError()

    answer = await ask(small_app(_raising(wrapped)), "GET", "/api/v1/raise")

    assert answer.status_code == 415


async def test_a_framework_exception_that_is_no_error_stays_what_it_is() -> None:
    elsewhere = HTTPException(307, headers={"Location": "/elsewhere"})

    answer = await ask(small_app(_raising(elsewhere)), "GET", "/api/v1/raise")

    assert (answer.status_code, answer.headers["location"]) == (307, "/elsewhere")
    assert answer.content == b""


def test_the_table_names_each_kind_once() -> None:
    kinds = set(DomainError.__subclasses__())

    assert set(STATUS_OF_KIND) <= kinds
    assert json.dumps(sorted(STATUS_OF_KIND.values())) == json.dumps(
        sorted(set(STATUS_OF_KIND.values()))
    )
