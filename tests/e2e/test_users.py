"""Users among each other: the list, one of them by id, and what follows a profile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.test_admin import ACCOUNTS, Administrator, account_of, administrator
from tests.e2e.visitor import PASSWORD, Pair, Visitor, bearer, refused

USERS = "/api/v1/users"
LOCALES = "select locale from auth.account where id = $1"


@pytest.fixture
async def admin(visitor: Visitor, statements: Statements) -> Administrator:
    admin = await administrator(visitor, statements)
    await visitor.me(admin.pair.access_token)
    return admin


async def ask(admin: Administrator, **params: Any) -> httpx.Response:
    return await admin.client.get(USERS, params=params, headers=admin.headers)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await true():
            pass


async def test_administrators_see_all_users_with_their_addresses(
    visitor: Visitor, admin: Administrator
) -> None:
    ada = await visitor.member("Ada@Example.com")
    await visitor.edit(ada.access_token, {"display_name": "Ada Lovelace", "handle": "ada"})
    await admin.disable(account_of(ada))

    answer = await ask(admin, q="lovelace")

    assert answer.status_code == 200
    [found] = answer.json()["items"]
    assert found.pop("created_at")
    assert found == {
        "account_id": str(account_of(ada)),
        "display_name": "Ada Lovelace",
        "handle": "ada",
        "email": "Ada@Example.com",
        "status": "disabled",
    }
    assert answer.json()["next_cursor"] is None


async def test_a_cursor_leads_on_and_shows_nobodys_name(
    visitor: Visitor, admin: Administrator
) -> None:
    names = ["Ada", "Bob", "Cleo"]
    for name in names:
        member = await visitor.member(f"{name}@example.com")
        await visitor.edit(member.access_token, {"display_name": name})

    page = (await ask(admin, sort="-display_name", limit=1)).json()
    found = page["items"]
    while cursor := page["next_cursor"]:
        assert not any(name in cursor for name in names)
        page = (await ask(admin, sort="-display_name", limit=1, cursor=cursor)).json()
        found += page["items"]

    assert [one["display_name"] for one in found] == ["Cleo", "Bob", "Ada", ""]


async def test_a_cursor_that_is_forged_or_of_another_list_is_refused(
    visitor: Visitor, admin: Administrator
) -> None:
    await visitor.member()
    cursor = (await ask(admin, limit=1)).json()["next_cursor"]
    foreign = (await admin.listed(limit=1))["next_cursor"]

    for wrong in (f"{cursor[:-1]}!", f"{cursor}A", cursor.swapcase(), foreign, "x"):
        refused(await ask(admin, limit=1, cursor=wrong), 422, "cursor_invalid")
    elsewhere = await admin.client.get(
        ACCOUNTS, params={"limit": 1, "cursor": cursor}, headers=admin.headers
    )
    refused(elsewhere, 422, "cursor_invalid")
    assert (await ask(admin, limit=1, cursor=cursor)).status_code == 200


async def test_members_see_neither_the_list_nor_each_other(visitor: Visitor) -> None:
    ada, bob = await visitor.member("ada@example.com"), await visitor.member("bob@example.com")
    headers = bearer(ada.access_token)

    refused(await visitor.client.get(USERS, headers=headers), 403, "forbidden")
    mine = await visitor.client.get(f"{USERS}/{account_of(ada)}", headers=headers)
    assert mine.json() == (await visitor.me(ada.access_token)).json()
    for account_id in (account_of(bob), uuid4(), UUID(int=0)):
        answer = await visitor.client.get(f"{USERS}/{account_id}", headers=headers)
        refused(answer, 404, "user_not_found")
    refused(await visitor.client.get(f"{USERS}/{account_of(bob)}"), 401, "unauthenticated")


async def test_who_is_no_longer_an_administrator_is_none_at_once(
    visitor: Visitor, admin: Administrator, statements: Statements
) -> None:
    second = await administrator(visitor, statements, "second@example.com")
    await admin.set_roles(second.id)

    refused(await ask(second), 401, "session_revoked")


async def test_mails_follow_the_language_of_the_profile(
    visitor: Visitor, statements: Statements
) -> None:
    ada = await visitor.member()

    await visitor.edit(ada.access_token, {"locale": "de"})

    async def follows() -> bool:
        return bool(await statements.value(LOCALES, account_of(ada)) == "de")

    await until(follows)


async def test_a_profile_goes_with_its_account_and_its_handle_is_free(
    visitor: Visitor, admin: Administrator
) -> None:
    ada, bob = await visitor.member("ada@example.com"), await visitor.member("bob@example.com")
    await visitor.edit(ada.access_token, {"display_name": "Ada", "handle": "ada"})

    await delete(visitor, ada)

    async def gone() -> bool:
        there = await visitor.client.get(f"{USERS}/{account_of(ada)}", headers=admin.headers)
        return there.status_code == 404

    await until(gone)
    assert (await ask(admin, q="ada")).json()["items"] == []
    assert (await visitor.edit(bob.access_token, {"handle": "Ada"})).status_code == 200


async def delete(visitor: Visitor, pair: Pair) -> None:
    answer = await visitor.client.post(
        "/api/v1/auth/account/delete",
        json={"current_password": PASSWORD},
        headers=bearer(pair.access_token),
    )
    assert answer.status_code == 202, answer.text
