"""POST /auth/login."""

from __future__ import annotations

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, refused

WRONG = "seven loud otters juggle"


async def test_a_login_answers_with_a_pair(visitor: Visitor) -> None:
    await visitor.register()

    answer = await visitor.log_in()

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.keys() == {
        *("access_token", "token_type", "expires_in"),
        *("refresh_token", "refresh_expires_in"),
    }
    assert body["token_type"] == "Bearer"
    assert 540 <= body["expires_in"] <= 600
    assert 14 * 86_400 - 60 < body["refresh_expires_in"] <= 14 * 86_400
    assert len(body["access_token"]) <= 1024
    assert len(body["refresh_token"]) <= 200


@pytest.mark.parametrize(
    "spelling",
    [
        "ada@example.com",
        "ADA@EXAMPLE.COM",
        "Ada@eXample.com",
        " ada@example.com",
        "ada@example.com ",
    ],
)
async def test_the_case_of_an_address_does_not_matter(visitor: Visitor, spelling: str) -> None:
    await visitor.register("Ada@Example.com")

    assert (await visitor.log_in(spelling)).status_code == 200


async def test_a_password_is_the_same_in_both_unicode_forms(visitor: Visitor) -> None:
    await visitor.register(password="cafe\u0301 au lait, s'il vous plai\u0302t")

    answer = await visitor.log_in(password="café au lait, s'il vous plaît")

    assert answer.status_code == 200


async def test_every_refusal_is_the_same(visitor: Visitor, statements: Statements) -> None:
    await visitor.register("ada@example.com")
    await visitor.register("bob@example.com")
    await statements.rows(
        "update auth.account set status = 'disabled' where email_key = 'bob@example.com'"
    )

    answers = [
        await visitor.log_in("ada@example.com", WRONG),
        await visitor.log_in("nobody@example.com", PASSWORD),
        await visitor.log_in("bob@example.com", PASSWORD),
        await visitor.log_in("no address at all", PASSWORD),
        await visitor.log_in("ada@example.com", ""),
        await visitor.log_in("a@example.com,ada@example.com", PASSWORD),
    ]

    shown = [_without_the_id(answer) for answer in answers]
    refused(answers[0], 401, "invalid_credentials")
    assert shown == [shown[0]] * len(answers)


async def test_a_session_remembers_where_it_was_opened(
    visitor: Visitor, stored: StoredSessions
) -> None:
    await visitor.register()

    answer = await visitor.log_in(label="my phone")

    session = await stored.row(Pair.of(answer).session_id)
    assert session["label"] == "my phone"
    assert session["ip"] == "127.0.0.1"
    assert session["user_agent"].startswith("python-httpx/")


async def test_each_login_opens_a_session_of_its_own(visitor: Visitor) -> None:
    first = await visitor.newcomer()

    second = Pair.of(await visitor.log_in())

    assert first.session_id != second.session_id


async def test_a_login_stores_the_hash_again_when_its_cost_changed(
    serve: Serve, statements: Statements
) -> None:
    async with serve() as visitor:
        await visitor.register()

    async with serve(auth={"password_time_cost": 2}) as visitor:
        answer = await visitor.log_in()

    assert answer.status_code == 200
    assert "t=2" in await statements.value("select password_hash from auth.account")


async def test_what_a_login_must_not_decide_is_refused(client: httpx.AsyncClient) -> None:
    body = {"email": ADDRESS, "password": PASSWORD, "is_admin": True}

    answer = await client.post("/api/v1/auth/login", json=body)

    refused(answer, 422, "validation")


def _without_the_id(answer: httpx.Response) -> tuple[object, ...]:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    return answer.status_code, headers, body
