"""API keys: made by people, used by programs, ended at once."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.api.access import accesses_of
from app.shared.api.caller import AuthenticatedCaller
from app.shared.api.route_tree import operations
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.mailbox import Mailbox
from tests.e2e.visitor import ADDRESS, PASSWORD, Pair, Visitor, bearer, refused

PATH = "/api/v1/auth/api-keys"
NEW_PASSWORD = "eleven loud badgers argue"
ALL_SCOPES = ["profile:read", "profile:write", "users:read"]


async def create(visitor: Visitor, pair: Pair, **changes: Any) -> httpx.Response:
    body: dict[str, Any] = {
        "name": "nightly report",
        "scopes": ["profile:read"],
        "current_password": PASSWORD,
        **changes,
    }
    body = {name: value for name, value in body.items() if value is not None}
    return await visitor.client.post(PATH, json=body, headers=bearer(pair.access_token))


async def a_key(visitor: Visitor, pair: Pair, **changes: Any) -> dict[str, Any]:
    answer = await create(visitor, pair, **changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def listed(visitor: Visitor, pair: Pair) -> list[dict[str, Any]]:
    answer = await visitor.client.get(PATH, headers=bearer(pair.access_token))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_key_is_shown_once_and_stored_as_a_hash(
    visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()

    answer = await create(visitor, pair, scopes=["profile:write", "profile:read", "profile:read"])

    made = answer.json()
    token = made.pop("api_key")
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(rf"ak1\.{made['id']}\.[A-Za-z0-9_-]{{43}}", token)
    (shown,) = await listed(visitor, pair)
    assert shown == {**made, "last_used_at": None}
    assert made["scopes"] == ["profile:read", "profile:write"]
    stored = await statements.rows("select k::text as row from auth.api_key as k")
    assert token[-43:] not in str(stored[0]["row"])


async def test_a_key_does_what_its_scopes_say(visitor: Visitor) -> None:
    pair = await visitor.member()
    reading = (await a_key(visitor, pair))["api_key"]

    assert (await visitor.me(reading)).status_code == 200
    refused(await visitor.edit(reading, {"bio": "x"}), 403, "forbidden")
    refused(await visitor.account(reading), 403, "forbidden")


async def test_a_deleted_key_is_dead_at_once(visitor: Visitor) -> None:
    pair = await visitor.member()
    made = await a_key(visitor, pair)
    other = await a_key(visitor, pair)

    gone = await visitor.client.delete(f"{PATH}/{made['id']}", headers=bearer(pair.access_token))

    assert gone.status_code == 204
    problem = refused(await visitor.me(made["api_key"]), 401, "token_invalid")
    assert problem["terminal"] is True
    assert (await visitor.me(other["api_key"])).status_code == 200
    again = await visitor.client.delete(f"{PATH}/{made['id']}", headers=bearer(pair.access_token))
    refused(again, 404, "api_key_not_found")


async def test_the_key_of_another_account_is_as_unknown_as_none(visitor: Visitor) -> None:
    ada, bob = await visitor.member(), await visitor.member("bob@example.com")
    made = await a_key(visitor, ada)

    answers = [
        await visitor.client.delete(f"{PATH}/{key}", headers=bearer(bob.access_token))
        for key in (made["id"], new_id())
    ]

    problems = [refused(answer, 404, "api_key_not_found") for answer in answers]
    assert {problem.pop("instance") for problem in problems}
    assert problems[0] == problems[1]
    assert await listed(visitor, bob) == []
    assert (await visitor.me(made["api_key"])).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"scopes": ["profile:read", "sudo"]}, "scope_unknown", "/scopes/1"),
        ({"scopes": []}, "validation", "/scopes"),
        ({"name": ""}, "validation", "/name"),
        ({"name": "n" * 101}, "validation", "/name"),
        ({"name": "a\x00b"}, "validation", "/name"),
        ({"current_password": "wrong"}, "current_password_wrong", "/current_password"),
        ({"current_password": None}, "validation", "/current_password"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expiry_past", "/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expiry_past", "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "validation", "/expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "validation", "/expires_at"),
        ({"expires_at": "2999-01-01"}, "validation", "/expires_at"),
        ({"expires_at": "32503680000"}, "validation", "/expires_at"),
        ({"expires_at": 32503680000}, "validation", "/expires_at"),
        ({"expires_at": True}, "validation", "/expires_at"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(
    visitor: Visitor, changes: dict[str, Any], code: str, pointer: str
) -> None:
    pair = await visitor.newcomer()

    answer = await create(visitor, pair, **changes)

    problem = refused(answer, 422, code)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert await listed(visitor, pair) == []


async def test_a_key_ends_when_it_was_told_to(visitor: Visitor, statements: Statements) -> None:
    pair = await visitor.member()
    end = datetime.now(UTC) + timedelta(hours=1)
    made = await a_key(visitor, pair, expires_at=end.isoformat())
    assert datetime.fromisoformat(made["expires_at"]) == end
    assert (await visitor.me(made["api_key"])).status_code == 200

    await statements.rows("update auth.api_key set expires_at = clock_timestamp()")

    refused(await visitor.me(made["api_key"]), 401, "token_expired")


async def test_its_end_is_told_in_utc_whatever_zone_it_was_told_in(visitor: Visitor) -> None:
    pair = await visitor.newcomer()

    made = await a_key(visitor, pair, expires_at="2999-01-01T01:30:00+02:00")

    assert made["expires_at"] == "2998-12-31T23:30:00Z"
    assert [key["expires_at"] for key in await listed(visitor, pair)] == [made["expires_at"]]


async def test_a_key_may_no_more_than_its_account(visitor: Visitor, statements: Statements) -> None:
    pair = await visitor.member()
    token = (await a_key(visitor, pair, scopes=ALL_SCOPES))["api_key"]

    async def listing() -> httpx.Response:
        return await visitor.client.get("/api/v1/users", headers=bearer(token))

    refused(await listing(), 403, "forbidden")
    await statements.rows("update auth.account set roles = '{admin,user}'")
    assert (await listing()).status_code == 200

    await statements.rows("update auth.account set roles = '{user}'")
    refused(await listing(), 403, "forbidden")
    await statements.rows("update auth.account set status = 'disabled'")

    refused(await listing(), 401, "account_disabled")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace(token[4:40], str(new_id())),
        lambda token: token + "A",
        lambda token: token[:40],
        lambda token: token.upper(),
    ],
)
async def test_a_key_that_is_not_exactly_ours_is_refused(visitor: Visitor, spoil: Any) -> None:
    token = (await a_key(visitor, await visitor.member()))["api_key"]

    refused(await visitor.me(spoil(token)), 401, "token_invalid")


async def test_the_last_use_is_written_beside_the_request(
    serve: Serve, statements: Statements, engine: AsyncEngine
) -> None:
    async with serve() as visitor:
        pair = await visitor.member()
        used, unused = await a_key(visitor, pair), await a_key(visitor, pair)

        async with engine.begin() as connection:
            await connection.execute(text("select from auth.api_key for update"))
            answer = await visitor.me(used["api_key"])
            shown = [key["last_used_at"] for key in await listed(visitor, pair)]

    assert answer.status_code == 200
    assert shown == [None, None]
    rows = await statements.rows("select id, last_used_at from auth.api_key")
    last_used = {row["id"]: row["last_used_at"] for row in rows}
    assert last_used[UUID(unused["id"])] is None
    assert abs(last_used[UUID(used["id"])] - datetime.now(UTC)) < timedelta(minutes=1)


async def test_no_route_but_those_with_a_scope_takes_an_api_key(
    app: FastAPI, visitor: Visitor, statements: Statements
) -> None:
    pair = await visitor.member()
    await statements.rows("update auth.account set roles = '{admin,user}'")
    made = await a_key(visitor, pair, scopes=ALL_SCOPES)
    before = await statements.rows("select * from auth.account")

    admitted, checked = set(), 0
    for operation in operations(app):
        if not any(isinstance(one.call, AuthenticatedCaller) for one in operation.dependencies()):
            continue
        path = re.sub(r"\{\w+\}", made["id"], operation.route.path_format)
        method = min(operation.context.methods or ())
        answer = await visitor.client.request(
            method,
            path,
            params={"scope": "all"},
            json=body_for(operation) if operation.takes_body else None,
            headers={**bearer(made["api_key"]), "If-Match": "*"},
        )
        checked += 1
        if any(access.scope for access in accesses_of(operation)):
            admitted.add(str(operation))
            assert answer.status_code not in (401, 403), (operation, answer.text)
        else:
            refused(answer, 403, "forbidden")

    assert checked > 15
    assert "GET /api/v1/users/me" in admitted
    assert not any("/auth/" in operation for operation in admitted)
    assert await statements.rows("select * from auth.account") == before
    assert len(await statements.rows("select 1 from auth.api_key")) == 1


def body_for(operation: Any) -> dict[str, Any]:
    """A body that fits, from the examples of its schema."""
    model = operation.context.body_field.field_info.annotation
    filled: dict[str, Any] = {
        "current_password": PASSWORD,
        "new_password": NEW_PASSWORD,
        "new_email": "new@example.com",
        "roles": ["user"],
        "name": "another",
        "scopes": ["profile:read"],
    }
    return {
        name: filled[name]
        for name, field in model.model_fields.items()
        if field.is_required() and name in filled
    }


async def test_a_reset_ends_every_key_and_a_change_of_the_password_none(
    visitor: Visitor, tmp_path: Path
) -> None:
    pair = await visitor.member()
    token = (await a_key(visitor, pair))["api_key"]

    changed = await visitor.client.post(
        "/api/v1/auth/password/change",
        json={"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        headers=bearer(pair.access_token),
    )
    after_change = await visitor.me(token)
    mails, mailbox = 2, Mailbox(tmp_path)
    await mailbox.newest(ADDRESS, after=mails - 1)
    await visitor.client.post("/api/v1/auth/password/forgot", json={"email": ADDRESS})
    mailed = await mailbox.token(ADDRESS, after=mails)
    reset = await visitor.client.post(
        "/api/v1/auth/password/reset", json={"token": mailed, "new_password": PASSWORD}
    )

    assert (changed.status_code, after_change.status_code, reset.status_code) == (200, 200, 204)
    refused(await visitor.me(token), 401, "token_invalid")


async def test_many_at_once_make_no_more_keys_than_an_account_may_have(
    serve: Serve, statements: Statements
) -> None:
    async with serve(auth={"login_free_attempts": 100, "password_queue": 400}) as visitor:
        pair = await visitor.member()
        await a_key(visitor, pair)
        await statements.rows(
            "insert into auth.api_key (id, account_id, name, kid, secret_hash, scopes, created_at)"
            " select gen_random_uuid(), account_id, name, kid, secret_hash, scopes, created_at"
            " from auth.api_key, generate_series(2, 48)"
        )

        answers = await asyncio.gather(*(create(visitor, pair) for _ in range(20)))

    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 18}
    assert await statements.value("select count(*) from auth.api_key") == 50


async def test_a_key_made_by_somebody_who_was_logged_out_meanwhile_is_refused(
    visitor: Visitor,
) -> None:
    pair = await visitor.member()
    await visitor.log_out(refresh_token=pair.refresh_token)

    refused(await create(visitor, pair), 401, "session_revoked")

    assert await listed(visitor, Pair.of(await visitor.log_in(ADDRESS))) == []
