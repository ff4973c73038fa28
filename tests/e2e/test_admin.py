"""/auth/accounts: what administrators see of accounts and do to them, alone and at once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import Pair, Visitor, bearer, refused

ACCOUNTS = "/api/v1/auth/accounts"
APPOINT = "update auth.account set roles = '{admin,user}' where email_key = $1"
NOBODY = UUID(int=0)


class Administrator:
    """Somebody who administers over HTTP."""

    def __init__(self, visitor: Visitor, pair: Pair) -> None:
        self.client = visitor.client
        self.pair = pair
        self.id = account_of(pair)
        self.headers = bearer(pair.access_token)

    async def listed(self, **params: Any) -> dict[str, Any]:
        answer = await self.client.get(ACCOUNTS, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        found: dict[str, Any] = answer.json()
        return found

    async def disable(self, account: UUID) -> httpx.Response:
        return await self.client.post(f"{ACCOUNTS}/{account}/disable", headers=self.headers)

    async def enable(self, account: UUID) -> httpx.Response:
        return await self.client.post(f"{ACCOUNTS}/{account}/enable", headers=self.headers)

    async def set_roles(self, account: UUID, *roles: str) -> httpx.Response:
        return await self.client.put(
            f"{ACCOUNTS}/{account}/roles", json={"roles": roles}, headers=self.headers
        )

    async def end_sessions(self, account: UUID) -> httpx.Response:
        return await self.client.delete(f"{ACCOUNTS}/{account}/sessions", headers=self.headers)

    async def everything(self, account: UUID) -> list[httpx.Response]:
        return [
            await self.disable(account),
            await self.enable(account),
            await self.set_roles(account, "admin"),
            await self.end_sessions(account),
        ]


def account_of(pair: Pair) -> UUID:
    return UUID(pair.claims["sub"])


async def administrator(
    visitor: Visitor, statements: Statements, email: str = "root@example.com"
) -> Administrator:
    await visitor.register(email)
    await statements.rows(APPOINT, email)
    return Administrator(visitor, Pair.of(await visitor.log_in(email)))


@pytest.fixture
async def admin(visitor: Visitor, statements: Statements) -> Administrator:
    return await administrator(visitor, statements)


async def test_accounts_are_listed_the_newest_first_and_in_pages(
    visitor: Visitor, admin: Administrator
) -> None:
    for number in range(4):
        await visitor.register(f"Person{number}@example.com")

    first = await admin.listed(limit=3)
    second = await admin.listed(limit=3, cursor=first["next_cursor"])

    items = first["items"] + second["items"]
    assert [item["email"] for item in items] == [
        *(f"Person{number}@example.com" for number in (3, 2, 1, 0)),
        "root@example.com",
    ]
    assert second["next_cursor"] is None
    assert items[-1].pop("created_at")
    assert items[-1] == {
        "id": str(admin.id),
        "email": "root@example.com",
        "email_verified": False,
        "roles": ["admin", "user"],
        "status": "active",
    }


async def test_accounts_are_found_by_a_part_of_their_address_and_by_status(
    visitor: Visitor, admin: Administrator
) -> None:
    disabled = account_of(await visitor.newcomer("Ada@example.com"))
    await visitor.register("adam@example.org")
    await admin.disable(disabled)

    found = {
        question: [item["email"] for item in (await admin.listed(**params))["items"]]
        for question, params in {
            "part": {"q": "aDA"},
            "wildcard": {"q": "a%a"},
            "disabled": {"status": "disabled"},
            "both": {"q": "ada", "status": "active"},
        }.items()
    }

    assert found == {
        "part": ["adam@example.org", "Ada@example.com"],
        "wildcard": [],
        "disabled": ["Ada@example.com"],
        "both": ["adam@example.org"],
    }


async def test_whoever_is_disabled_is_out_at_once_and_stays_out(
    visitor: Visitor, admin: Administrator
) -> None:
    pair = await visitor.newcomer()

    answers = [await admin.disable(account_of(pair)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await visitor.account(pair.access_token)).status_code == 401
    refused(await visitor.refresh(pair.refresh_token), 401, "account_disabled")
    refused(await visitor.log_in(), 401, "invalid_credentials")


async def test_whoever_is_enabled_again_logs_in_anew(
    visitor: Visitor, admin: Administrator
) -> None:
    before = await visitor.newcomer()
    await admin.disable(account_of(before))

    answers = [await admin.enable(account_of(before)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await visitor.log_in()).status_code == 200
    refused(await visitor.account(before.access_token), 401, "session_revoked")
    refused(await visitor.refresh(before.refresh_token), 401, "session_revoked")


async def test_new_roles_end_the_sessions_that_have_the_old_ones(
    visitor: Visitor, admin: Administrator
) -> None:
    before = await visitor.newcomer()

    answer = await admin.set_roles(account_of(before), "admin")

    assert (answer.status_code, answer.content) == (204, b"")
    refused(await visitor.account(before.access_token), 401, "session_revoked")
    promoted = Administrator(visitor, Pair.of(await visitor.log_in()))
    assert promoted.pair.claims["roles"] == ["admin", "user"]
    assert len((await promoted.listed())["items"]) == 2


async def test_roles_that_the_account_has_already_end_nothing(
    visitor: Visitor, admin: Administrator
) -> None:
    pair = await visitor.newcomer()

    answers = [await admin.set_roles(account_of(pair), *roles) for roles in ([], ["user"])]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await visitor.account(pair.access_token)).status_code == 200


async def test_an_unknown_role_is_refused(visitor: Visitor, admin: Administrator) -> None:
    pair = await visitor.newcomer()

    refused(await admin.set_roles(account_of(pair), "root"), 422, "validation")

    assert (await visitor.account(pair.access_token)).status_code == 200


async def test_all_sessions_of_an_account_are_ended(
    visitor: Visitor, admin: Administrator, stored: StoredSessions
) -> None:
    pairs = [await visitor.newcomer(), Pair.of(await visitor.log_in())]

    answer = await admin.end_sessions(account_of(pairs[0]))

    assert answer.status_code == 204
    for pair in pairs:
        refused(await visitor.account(pair.access_token), 401, "session_revoked")
        assert (await stored.row(pair.session_id))["revocation_reason"] == "admin"
    assert (await visitor.log_in()).status_code == 200


async def test_an_account_that_does_not_exist_is_not_found(admin: Administrator) -> None:
    for answer in await admin.everything(uuid4()):
        refused(answer, 404, "account_not_found")


async def test_for_everybody_else_there_is_no_difference_between_known_and_unknown(
    visitor: Visitor, admin: Administrator
) -> None:
    other = Administrator(visitor, await visitor.newcomer())

    answers = [*await other.everything(admin.id), *await other.everything(NOBODY)]
    answers.append(await visitor.client.get(ACCOUNTS, headers=other.headers))

    for answer in answers:
        refused(answer, 403, "forbidden")
    other.headers = {}
    for answer in await other.everything(admin.id):
        refused(answer, 401, "unauthenticated")


async def test_the_owner_sees_what_was_done_and_not_from_where(
    visitor: Visitor, admin: Administrator
) -> None:
    account = account_of(await visitor.newcomer())
    await admin.set_roles(account, "admin")
    await admin.set_roles(account)
    await admin.disable(account)
    await admin.enable(account)
    pair = Pair.of(await visitor.log_in())

    answer = await visitor.client.get("/api/v1/auth/activity", headers=bearer(pair.access_token))

    done = [item for item in answer.json()["items"] if item["what"] != "login"]
    assert [item["what"] for item in done] == [
        *("account_enabled", "account_disabled", "roles_changed", "roles_changed")
    ]
    assert [(item["ip"], item["user_agent"]) for item in done] == 4 * [(None, None)]


async def test_the_last_administrator_stays(visitor: Visitor, admin: Administrator) -> None:
    refused(await admin.disable(admin.id), 409, "last_administrator")
    refused(await admin.set_roles(admin.id, "user"), 409, "last_administrator")

    assert (await visitor.account(admin.pair.access_token)).status_code == 200


async def test_an_administrator_that_is_disabled_does_not_count(
    visitor: Visitor, statements: Statements, admin: Administrator
) -> None:
    other = await administrator(visitor, statements, "other@example.com")
    await admin.disable(other.id)

    refused(await admin.disable(admin.id), 409, "last_administrator")


async def test_administrators_may_resign_while_there_is_another(
    visitor: Visitor, statements: Statements, admin: Administrator
) -> None:
    await administrator(visitor, statements, "other@example.com")

    answer = await admin.set_roles(admin.id, "user")

    assert answer.status_code == 204
    refused(await visitor.account(admin.pair.access_token), 401, "session_revoked")


@pytest.mark.parametrize("way", ["disable", "demote"])
async def test_of_administrators_who_end_each_other_at_once_one_stays(
    visitor: Visitor, statements: Statements, way: str
) -> None:
    for _ in range(5):
        pair = [
            await administrator(visitor, statements, f"{uuid4()}@example.com") for _ in range(2)
        ]
        await statements.rows(
            "update auth.account set roles = '{user}' where id <> all($1)",
            [each.id for each in pair],
        )

        answers = await asyncio.gather(
            *(
                actor.disable(target.id) if way == "disable" else actor.set_roles(target.id)
                for actor, target in (pair, reversed(pair))
            )
        )

        left = await statements.value(
            "select count(*) from auth.account where 'admin' = any(roles) and status = 'active'"
        )
        assert left == 1
        assert sorted(answer.status_code for answer in answers)[0] == 204
        assert sorted(answer.status_code for answer in answers)[1] in (401, 403)
