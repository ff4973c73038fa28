"""GET /users/{account_id}: for its owner and for administrators."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from app.shared.testing import ModuleHarness, as_account

ADMIN = frozenset({"admin", "user"})


@pytest.fixture
async def ada(users: ModuleHarness) -> Principal:
    """Somebody who has a profile."""
    caller = as_account()
    await users.publish(AccountRegistered(account_id=caller.account_id))
    await users.settle()
    return caller


async def test_the_owner_sees_the_profile_with_its_version(
    users: ModuleHarness, client: httpx.AsyncClient, ada: Principal
) -> None:
    headers = users.headers_of(ada)

    answer = await client.get(f"/api/v1/users/{ada.account_id}", headers=headers)

    mine = await client.get("/api/v1/users/me", headers=headers)
    assert (answer.status_code, answer.json()) == (200, mine.json())
    assert answer.headers["etag"] == mine.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"


async def test_an_administrator_sees_every_profile(
    users: ModuleHarness, client: httpx.AsyncClient, ada: Principal
) -> None:
    answer = await client.get(
        f"/api/v1/users/{ada.account_id}", headers=users.headers_of(as_account(roles=ADMIN))
    )

    assert answer.status_code == 200
    assert answer.json()["account_id"] == str(ada.account_id)


async def test_to_others_a_user_who_is_there_and_one_who_is_not_are_the_same(
    users: ModuleHarness, client: httpx.AsyncClient, ada: Principal
) -> None:
    headers = users.headers_of(as_account())

    answers = [
        await client.get(f"/api/v1/users/{account_id}", headers=headers)
        for account_id in (ada.account_id, new_id())
    ]

    there, not_there = map(told, answers)
    assert there == not_there
    assert there["code"] == "user_not_found"


async def test_whom_nobody_knows_or_who_is_gone_is_not_found_by_an_administrator(
    users: ModuleHarness, client: httpx.AsyncClient, ada: Principal
) -> None:
    headers = users.headers_of(as_account(roles=ADMIN))
    await users.publish(AccountDeleted(account_id=ada.account_id))
    await users.settle()

    for account_id in (ada.account_id, new_id()):
        answer = await client.get(f"/api/v1/users/{account_id}", headers=headers)
        assert told(answer)["code"] == "user_not_found"


@pytest.mark.parametrize("account_id", ["x", "1", "00000000", "me2", "%00"])
async def test_what_is_no_id_does_not_fit(
    users: ModuleHarness, client: httpx.AsyncClient, account_id: str
) -> None:
    answer = await client.get(f"/api/v1/users/{account_id}", headers=users.headers_of(as_account()))

    assert (answer.status_code, answer.json()["code"]) == (422, "validation")


def told(answer: httpx.Response) -> dict[str, Any]:
    """The problem, but for the id of its request."""
    assert answer.status_code == 404
    return {name: value for name, value in answer.json().items() if name != "instance"}
