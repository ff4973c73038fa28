"""The users module alone: its routes and its reactions, with `auth` replaced."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.users.contracts.events import ProfileUpdated
from app.shared.infrastructure.statements import Statements
from app.shared.testing import ModuleHarness, as_account

PATH = "/api/v1/users/me"


async def test_a_registered_account_gets_its_profile(
    users: ModuleHarness, client: httpx.AsyncClient
) -> None:
    caller = as_account()
    await users.publish(AccountRegistered(account_id=caller.account_id, locale="de"))

    await users.settle()

    answer = await client.get(PATH, headers=users.headers_of(caller))
    assert answer.json()["account_id"] == str(caller.account_id)
    assert answer.json()["locale"] == "de"


async def test_a_change_is_published_with_its_language_and_version(
    users: ModuleHarness, client: httpx.AsyncClient
) -> None:
    caller = as_account()
    registered = AccountRegistered(account_id=caller.account_id)
    await users.publish(registered)
    await users.settle()
    headers = users.headers_of(caller) | {"If-Match": "*"}

    for changes in ({"bio": "x"}, {"bio": "x"}, {"locale": "pt-BR"}):
        assert (await client.patch(PATH, json=changes, headers=headers)).status_code == 200

    assert await users.published() == [
        registered,
        ProfileUpdated(account_id=caller.account_id, locale="en", profile_version=2),
        ProfileUpdated(account_id=caller.account_id, locale="pt-BR", profile_version=3),
    ]


@pytest.mark.parametrize(
    ("scope", "reads", "changes"),
    [("profile:read", 200, 403), ("profile:write", 403, 200), ("users:read", 403, 403)],
)
async def test_an_api_key_does_what_it_is_good_for_and_nothing_else(
    users: ModuleHarness, client: httpx.AsyncClient, scope: str, reads: int, changes: int
) -> None:
    key = replace(as_account(), session_id=None, scopes=frozenset({scope}))
    await users.publish(AccountRegistered(account_id=key.account_id))
    await users.settle()
    headers = users.headers_of(key)

    read = await client.get(PATH, headers=headers)
    changed = await client.patch(PATH, json={"bio": "x"}, headers=headers | {"If-Match": "*"})

    assert (read.status_code, changed.status_code) == (reads, changes)
    assert len(await users.published()) == (2 if changes == 200 else 1)


async def test_a_deleted_account_leaves_nothing_that_its_owner_said(
    users: ModuleHarness, client: httpx.AsyncClient, statements: Statements
) -> None:
    caller = as_account()
    await users.publish(AccountRegistered(account_id=caller.account_id, locale="de"))
    await users.settle()
    said = {
        "display_name": "Ada Lovelace",
        "handle": "Ada_1815",
        "locale": "pt-BR",
        "time_zone": "Europe/London",
        "bio": "Mathematician",
        "avatar_url": "https://example.com/ada.png",
    }
    headers = users.headers_of(caller) | {"If-Match": "*"}
    assert (await client.patch(PATH, json=said, headers=headers)).status_code == 200

    await users.publish(AccountDeleted(account_id=caller.account_id))
    await users.settle()

    row = await statements.row("select * from users.profile")
    assert row is not None
    assert not set(map(str, dict(row).values())) & set(said.values())
    assert row["account_id"] == caller.account_id
    assert row["erased_at"] is not None


async def test_settling_raises_what_a_handler_raised(users: ModuleHarness) -> None:
    await users.process.kernel.statements().rows("alter table users.profile rename to gone")
    await users.publish(AccountRegistered(account_id=as_account().account_id))

    with pytest.raises(ExceptionGroup):
        await users.settle()

    await users.process.kernel.statements().rows("alter table users.gone rename to profile")
