"""The users module alone: its routes and its reaction, with `auth` replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.modules.auth.contracts.events import AccountRegistered
from app.modules.users.container import UsersContainer
from app.shared.testing import ModuleHarness, as_account, module_harness


@pytest.fixture
async def users(database: str) -> AsyncIterator[ModuleHarness]:
    async with module_harness(UsersContainer, database) as harness:
        yield harness


async def test_a_registered_account_gets_its_profile(users: ModuleHarness) -> None:
    caller = as_account()
    await users.publish(AccountRegistered(account_id=caller.account_id))

    await users.settle()

    transport = httpx.ASGITransport(users.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/api/v1/users/me", headers=users.headers_of(caller))
    assert answer.json()["account_id"] == str(caller.account_id)


async def test_settling_raises_what_a_handler_raised(users: ModuleHarness) -> None:
    await users.process.kernel.statements().rows("alter table users.profile rename to gone")
    await users.publish(AccountRegistered(account_id=as_account().account_id))

    with pytest.raises(ExceptionGroup):
        await users.settle()

    await users.process.kernel.statements().rows("alter table users.gone rename to profile")
