"""Requests with an Idempotency-Key: however often they are sent, one effect and one answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, bearer, refused

REGISTER = "/api/v1/auth/register"
API_KEYS = "/api/v1/auth/api-keys"
REGISTRATION = {"email": ADDRESS, "password": PASSWORD}
API_KEY = {"name": "report", "scopes": ["profile:read"], "current_password": PASSWORD}
PATIENT: dict[str, Any] = {
    "auth": {
        "refresh_grace": 60,
        "login_free_attempts": 100,
        "login_failures_per_client": 10**6,
        "mail_requests_per_client": 10**6,
        "mails_per_hour": 10**6,
        "password_queue": 400,
    },
    "request_timeout": 59,
    "database_": {
        "pool_timeout": timedelta(seconds=58),
        "connect_timeout": timedelta(seconds=58),
    },
}


async def post(
    visitor: Visitor, path: str, body: Any, *, key: str | None = "k", pair: Pair | None = None
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    headers |= bearer(pair.access_token) if pair else {}
    return await visitor.client.post(path, json=body, headers=headers)


async def count(statements: Statements, table: str) -> int:
    counted: int = await statements.value(f"select count(*) from {table}")
    return counted


async def test_a_repeated_registration_makes_one_account_and_owes_one_mail(
    visitor: Visitor, statements: Statements
) -> None:
    answers = [await post(visitor, REGISTER, REGISTRATION) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.content for answer in answers}) == 1
    assert await count(statements, "auth.account") == 1
    assert await count(statements, "messaging.event") == 1


async def test_without_a_key_every_registration_counts_and_nothing_is_remembered(
    visitor: Visitor, statements: Statements
) -> None:
    for _ in range(2):
        await post(visitor, REGISTER, REGISTRATION, key=None)

    assert await count(statements, "messaging.event") == 2
    assert await count(statements, "http.idempotency_key") == 0


async def test_a_repeated_creation_is_answered_with_the_same_api_key(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()

    first = await post(visitor, API_KEYS, API_KEY, pair=pair)
    again = await post(visitor, API_KEYS, dict(reversed(API_KEY.items())), pair=pair)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert (await visitor.me(again.json()["api_key"])).status_code == 200
    assert await count(statements, "auth.api_key") == 1


async def test_another_session_of_the_account_gets_the_same_answer(visitor: Visitor) -> None:
    pair = await visitor.member()
    first = await post(visitor, API_KEYS, API_KEY, pair=pair)

    again = await post(visitor, API_KEYS, API_KEY, pair=Pair.of(await visitor.log_in()))

    assert again.json() == first.json()


async def test_another_account_gets_a_key_of_its_own(visitor: Visitor) -> None:
    ada, bob = await visitor.member(), await visitor.member("bob@example.com")

    of_ada = await post(visitor, API_KEYS, API_KEY, pair=ada)
    of_bob = await post(visitor, API_KEYS, API_KEY, pair=bob)

    assert (of_ada.status_code, of_bob.status_code) == (201, 201)
    assert of_ada.json()["api_key"] != of_bob.json()["api_key"]


async def test_a_retry_has_to_prove_the_password_again(visitor: Visitor) -> None:
    pair = await visitor.member()
    await post(visitor, API_KEYS, API_KEY, pair=pair)

    answer = await post(visitor, API_KEYS, {**API_KEY, "current_password": "wrong"}, pair=pair)

    refused(answer, 422, "current_password_wrong")


@pytest.mark.parametrize(
    "other",
    [
        {**REGISTRATION, "email": "bob@example.com"},
        {**REGISTRATION, "password": "eleven loud badgers argue"},
    ],
)
async def test_the_same_key_with_another_request_is_refused_and_has_no_effect(
    visitor: Visitor, statements: Statements, other: dict[str, str]
) -> None:
    await post(visitor, REGISTER, REGISTRATION)

    answer = await post(visitor, REGISTER, other)

    refused(answer, 422, "idempotency_key_reused")
    assert await count(statements, "auth.account") == 1
    assert await count(statements, "messaging.event") == 1


async def test_the_same_key_on_another_route_is_another_key(visitor: Visitor) -> None:
    assert (await post(visitor, REGISTER, REGISTRATION)).status_code == 202
    pair = Pair.of(await visitor.log_in())

    assert (await post(visitor, API_KEYS, API_KEY, pair=pair)).status_code == 201


async def test_a_failed_request_is_executed_when_it_is_sent_again(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    late = {**API_KEY, "expires_at": "2001-01-01T00:00:00Z"}
    refused(await post(visitor, API_KEYS, late, pair=pair), 422, "expiry_past")
    assert await count(statements, "http.idempotency_key") == 0

    assert (await post(visitor, API_KEYS, API_KEY, pair=pair)).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "k" * 256])
async def test_a_key_that_is_none_is_refused_before_anything_happens(
    visitor: Visitor, statements: Statements, key: str
) -> None:
    refused(await post(visitor, REGISTER, REGISTRATION, key=key), 400, "idempotency_key_malformed")

    assert await count(statements, "auth.account") == 0


async def test_nothing_that_is_remembered_tells_what_was_sent(
    visitor: Visitor, statements: Statements
) -> None:
    await post(visitor, REGISTER, REGISTRATION, key="a-key-of-the-client")
    pair = Pair.of(await visitor.log_in())
    made = (await post(visitor, API_KEYS, API_KEY, pair=pair)).json()

    rows = await statements.rows("select k::text as row from http.idempotency_key as k")

    assert len(rows) == 2
    for told in ("a-key-of-the-client", ADDRESS, PASSWORD, made["api_key"][-43:]):
        assert not any(told in row["row"] for row in rows)
        assert not any(told.encode().hex() in row["row"] for row in rows)


async def test_fifty_registrations_with_one_key_at_once_make_one_account(
    serve: Serve, statements: Statements
) -> None:
    async with serve(**PATIENT) as visitor:
        answers = await asyncio.gather(*(post(visitor, REGISTER, REGISTRATION) for _ in range(50)))

        assert Counter(answer.status_code for answer in answers) == {202: 50}
    assert await count(statements, "auth.account") == 1
    assert await count(statements, "messaging.event") == 1
    types = await statements.rows("select type from messaging.event")
    assert [row["type"] for row in types].count("auth.registration_repeated") == 0


async def test_fifty_creations_with_one_key_at_once_make_one_api_key(
    serve: Serve, statements: Statements
) -> None:
    async with serve(**PATIENT) as visitor:
        pair = await visitor.member()

        answers = await asyncio.gather(
            *(post(visitor, API_KEYS, API_KEY, pair=pair) for _ in range(50))
        )

        assert Counter(answer.status_code for answer in answers) == {201: 50}
        assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert await count(statements, "auth.api_key") == 1


async def test_fifty_keys_of_one_client_at_once_make_fifty_api_keys(
    serve: Serve, statements: Statements
) -> None:
    async with serve(**PATIENT) as visitor:
        pair = await visitor.member()

        answers = await asyncio.gather(
            *(post(visitor, API_KEYS, API_KEY, pair=pair, key=f"{n}") for n in range(50))
        )

        assert Counter(answer.status_code for answer in answers) == {201: 50}
    assert await count(statements, "auth.api_key") == 50
