"""API keys as they are stored, looked up and go with their account."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.modules.auth.domain.account import Account, Role
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.shared.domain.ids import new_id
from tests.contract.auth_worlds import AuthWorld
from tests.contract.facts import facts
from tests.factories import AccountFactory, SessionFactory


async def an_account(auth: AuthWorld, **more: Any) -> Account:
    account = AccountFactory.build(**more)
    account_id = account.id
    await auth.put([account], [])
    async with auth.uow() as uow:
        stored = await uow.accounts.by_id(account_id)
        assert stored
        return stored


async def a_key(auth: AuthWorld, account: Account, **more: Any) -> ApiKey:
    made: dict[str, Any] = {
        "id": new_id(),
        "account_id": account.id,
        "name": "report",
        "kid": "kid1",
        "secret_hash": bytes(32),
        "scopes": ("profile:read", "profile:write"),
        "created_at": auth.clock.now(),
        **more,
    }
    async with auth.uow() as uow:
        key = ApiKey(**made)
        uow.api_keys.add(key)
        await uow.commit()
    return ApiKey(**made)


async def test_every_fact_of_an_api_key_survives(auth: AuthWorld) -> None:
    now = auth.clock.now()
    key = await a_key(
        auth,
        await an_account(auth),
        secret_hash=bytes(range(32)),
        expires_at=now + timedelta(days=9),
        last_used_at=now,
    )

    async with auth.uow() as uow:
        stored = await uow.api_keys.locked(key.id, of=key.account_id)

    assert stored
    assert facts(stored) == facts(key)


async def test_a_key_is_found_for_its_own_account_alone(auth: AuthWorld) -> None:
    key = await a_key(auth, await an_account(auth))
    other = await an_account(auth)

    async with auth.uow() as uow:
        assert await uow.api_keys.locked(key.id, of=other.id) is None
        assert await uow.api_keys.locked(new_id(), of=key.account_id) is None
        assert await uow.api_keys.locked(key.id, of=key.account_id)


async def test_keys_are_counted_by_account(auth: AuthWorld) -> None:
    account, other = await an_account(auth), await an_account(auth)
    for _ in range(3):
        await a_key(auth, account)
    await a_key(auth, other)

    async with auth.uow() as uow:
        counted = [await uow.api_keys.count(one) for one in (account.id, other.id, new_id())]

    assert counted == [3, 1, 0]


async def test_of_two_who_remove_a_key_one_finds_it_gone(auth: AuthWorld) -> None:
    key = await a_key(auth, await an_account(auth))

    async def remove() -> bool:
        async with auth.uow() as uow:
            found = await uow.api_keys.locked(key.id, of=key.account_id)
            if found:
                await uow.api_keys.remove(found)
                await uow.commit()
            return found is not None

    assert sorted(await asyncio.gather(remove(), remove())) == [False, True]


async def test_voiding_takes_every_key_of_the_account_and_no_other(auth: AuthWorld) -> None:
    account, other = await an_account(auth), await an_account(auth)
    for one in (account, account, other):
        await a_key(auth, one)

    async with auth.uow() as uow:
        await uow.api_keys.void(account.id)
        await uow.commit()

    async with auth.uow() as uow:
        assert await uow.api_keys.count(account.id) == 0
        assert await uow.api_keys.count(other.id) == 1


async def test_a_key_is_looked_up_with_what_its_account_is_now(auth: AuthWorld) -> None:
    account = await an_account(auth)
    key = await a_key(auth, account)
    async with auth.uow() as uow:
        locked = await uow.accounts.locked(account.id)
        assert locked
        locked.change_roles(frozenset({Role.ADMIN}), await uow.now())
        locked.disable(await uow.now())
        await uow.commit()

    found = await auth.api_key_store.of(key.id)

    assert found
    assert (found.account_id, found.secret_hash) == (account.id, key.secret_hash)
    assert found.scopes == {"profile:read", "profile:write"}
    assert found.roles == {"user", "admin"}
    assert (found.active, found.expired) == (False, False)
    assert await auth.api_key_store.of(new_id()) is None


@pytest.mark.parametrize(("after", "expired"), [(-1, True), (3600, False), (None, False)])
async def test_a_key_is_expired_from_its_end_on(
    auth: AuthWorld, after: float | None, expired: bool
) -> None:
    end = None if after is None else auth.clock.now() + timedelta(seconds=after)
    key = await a_key(auth, await an_account(auth), expires_at=end)

    found = await auth.api_key_store.of(key.id)

    assert found
    assert found.expired is expired


async def test_an_account_goes_with_what_is_its_own(auth: AuthWorld) -> None:
    account, other = AccountFactory.build(), AccountFactory.build()
    ids = account.id, other.id
    sessions = [SessionFactory.build(account_id=one) for one in ids]
    await auth.put([account, other], sessions)
    for one in ids:
        async with auth.uow() as uow:
            stored = await uow.accounts.by_id(one)
            assert stored
            now = await uow.now()
            uow.mails.add(OutgoingMail.notice(MailKind.PASSWORD_CHANGED, account=stored, now=now))
            await uow.commit()
        await a_key(auth, stored)

    async with auth.uow() as uow:
        leaving = await uow.accounts.locked(ids[0])
        assert leaving
        await uow.accounts.remove(leaving)
        farewell = OutgoingMail.farewell(account=leaving, now=await uow.now())
        uow.mails.add(farewell)
        await uow.commit()

    assert [session.account_id for session in await auth.sessions()] == [ids[1]]
    async with auth.uow() as uow:
        assert await uow.accounts.by_id(ids[0]) is None
        assert [await uow.api_keys.count(one) for one in ids] == [0, 1]
        assert [len(await uow.mails.of_account(one)) for one in ids] == [0, 1]
        assert await uow.mails.by_id(farewell.id)
