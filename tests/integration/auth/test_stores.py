"""The single statements of login and refresh."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.modules.auth.domain.errors import AccountDisabledError
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.infrastructure.credential_store import AsyncpgCredentialStore
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import AuthWork, StoreAccount, StoreSession
from tests.revocations import Revocations

_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def test_an_opened_session_comes_back_as_it_was(
    auth_work: AuthWork, store_account: StoreAccount, store_session: StoreSession
) -> None:
    opened = await store_session(await store_account())

    async with auth_work() as work:
        found = await work.sessions.locked(opened.id)

        assert found is not None
        for name in (
            *("account_id", "epoch", "kid", "generation", "parent", "confirmed_generation"),
            *("recoveries", "created_at", "rotated_at", "parent_rotated_at", "idle_expires_at"),
            *("absolute_expires_at", "revoked_at", "revocation_reason"),
            *("label", "user_agent", "ip"),
        ):
            assert getattr(found, name) == getattr(opened, name), name


async def test_an_advance_moves_the_session_by_one(
    session_store: AsyncpgSessionStore,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    account = await store_account()
    session = await store_session(account)
    await statements.rows("update auth.session set recoveries = 3")

    grant = await session_store.advance(session.id, 1, "kid2")

    row = await statements.row("select * from auth.session")
    assert row is not None
    assert grant is not None
    assert (row["generation"], row["parent"], row["recoveries"], row["kid"]) == (2, 1, 0, "kid2")
    assert row["parent_rotated_at"] == session.rotated_at
    assert row["rotated_at"] > session.rotated_at
    assert (grant.generation, grant.kid, grant.epoch) == (2, "kid2", 0)
    assert (grant.session_id, grant.account_id) == (session.id, account.id)
    assert (grant.roles, grant.authenticated_at) == (frozenset({"user"}), session.created_at)
    assert grant.idle_expires_at == row["idle_expires_at"] > session.idle_expires_at
    assert grant.absolute_expires_at == session.absolute_expires_at


async def test_the_idle_time_never_passes_the_absolute_end(
    session_store: AsyncpgSessionStore,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())
    await statements.rows("update auth.session set absolute_expires_at = now() + interval '1 day'")

    grant = await session_store.advance(session.id, 1, "kid1")

    assert grant is not None
    assert grant.idle_expires_at == grant.absolute_expires_at


@pytest.mark.parametrize(
    "end",
    [
        "update auth.session set generation = 2",
        "update auth.session set revoked_at = now()",
        "update auth.session set idle_expires_at = now()",
        "update auth.session set absolute_expires_at = now()",
        "update auth.account set auth_epoch = 1",
        "update auth.account set status = 'disabled'",
        "delete from auth.account",
    ],
    ids=["used", "revoked", "idle", "absolute", "epoch", "disabled", "gone"],
)
async def test_only_the_present_generation_of_a_living_session_advances(
    session_store: AsyncpgSessionStore,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
    end: str,
) -> None:
    session = await store_session(await store_account())
    await statements.rows(end)
    before = await statements.value("select s::text from auth.session as s")

    assert await session_store.advance(session.id, 1, "kid1") is None

    assert await statements.value("select s::text from auth.session as s") == before
    assert await session_store.advance(new_id(), 1, "kid1") is None


async def test_of_many_advances_at_once_one_wins(
    session_store: AsyncpgSessionStore, store_account: StoreAccount, store_session: StoreSession
) -> None:
    session = await store_session(await store_account())

    grants = await asyncio.gather(
        *(session_store.advance(session.id, 1, "kid1") for _ in range(50))
    )

    assert [grant.generation for grant in grants if grant] == [2]


async def test_credentials_are_found_by_the_key_of_the_address(
    statements: Statements, store_account: StoreAccount
) -> None:
    account = await store_account("Ada@Example.com")
    store = AsyncpgCredentialStore(statements)

    found = await store.of("ada@example.com")

    assert found is not None
    assert (found.account_id, found.epoch, found.active) == (account.id, 0, True)
    assert found.password_hash == account.password_hash
    assert found.roles == frozenset({"user"})
    assert await store.of("Ada@Example.com") is None
    await statements.rows("update auth.account set status = 'disabled'")
    disabled = await store.of("ada@example.com")
    assert disabled is not None
    assert not disabled.active


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ("select 1", "new"),
        ("update auth.account set password_hash = 'changed meanwhile'", "changed meanwhile"),
        ("update auth.account set auth_epoch = 1, password_hash = 'old'", "old"),
    ],
    ids=["unchanged", "other password", "other epoch"],
)
async def test_a_hash_is_replaced_unless_anything_changed_since_it_was_read(
    statements: Statements, store_account: StoreAccount, change: str, stored: str
) -> None:
    await store_account("ada@example.com")
    await statements.rows("update auth.account set password_hash = 'old'")
    store = AsyncpgCredentialStore(statements)
    found = await store.of("ada@example.com")
    assert found is not None
    await statements.rows(change)

    await store.rehash(found, "new")

    assert await statements.value("select password_hash from auth.account") == stored


async def test_the_lifetimes_are_those_of_the_policy(
    statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    await store_session(await store_account())

    row = await statements.row(
        "select idle_expires_at - created_at as idle, absolute_expires_at - created_at as whole"
        " from auth.session"
    )

    assert row is not None
    assert (row["idle"], row["whole"]) == (timedelta(days=14), timedelta(days=30))


async def test_a_login_that_makes_room_waits_for_whoever_ends_the_account(
    auth_work: AuthWork,
    statements: Statements,
    revocation_list: RevocationList,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    account = await store_account()
    former = await store_session(account)
    narrow = AsyncpgSessionStore(statements, RefreshPolicy(max_sessions=1), revocation_list)

    async with auth_work() as work:
        found = await work.accounts.locked(account.id)
        assert found is not None
        login = asyncio.create_task(narrow.open(replace(former, id=new_id())))
        while not await statements.value(_WAITING):
            pass
        await work.accounts.remove(found)
        await work.commit()

    with pytest.raises(AccountDisabledError):
        await login


async def test_what_an_operator_ends_is_told_at_once(
    session_store: AsyncpgSessionStore,
    revoked: Revocations,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())
    moment = session.created_at + timedelta(days=1)

    await session_store.end_before(moment)
    await session_store.end_before(moment)

    assert len(revoked.announced) == 1
