"""What is over is forgotten, and nothing that an answer still depends on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from secrets import token_bytes

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.application.ports import AccessClaims
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.infrastructure.expiry import (
    FAILURE_REMEMBERED,
    KEPT_AFTER_ITS_END,
    KEPT_LONGER,
    Expiry,
)
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import StoreAccount, StoreSession, claims_of
from tests.revocations import KEEP

MOMENT = timedelta(minutes=1)
ACTIVITY_KEPT = timedelta(days=90)


@pytest.fixture
def expiry(statements: Statements) -> Expiry:
    """In batches of two, so that every test is of several."""
    return Expiry(statements, remembered=KEEP, activity_kept=ACTIVITY_KEPT, batch=2)


@pytest.mark.parametrize("column", ["revoked_at", "idle_expires_at", "absolute_expires_at"])
async def test_a_session_that_has_long_been_over_is_deleted(
    expiry: Expiry,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
    column: str,
) -> None:
    account = await store_account()
    living, *over = [await store_session(account) for _ in range(6)]
    await statements.rows(
        f"update auth.session set {column} = now() - $2::interval where id = any($1)",
        [session.id for session in over],
        KEPT_AFTER_ITS_END + MOMENT,
    )

    expired = await expiry.expire_sessions()

    assert expired == len(over)
    assert [row["id"] for row in await statements.rows("select id from auth.session")] == [
        living.id
    ]


@pytest.mark.parametrize("column", ["revoked_at", "idle_expires_at", "absolute_expires_at"])
async def test_a_session_that_ended_lately_stays(
    expiry: Expiry,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
    column: str,
) -> None:
    account = await store_account()
    for _ in range(3):
        await store_session(account)
    await statements.rows(
        f"update auth.session set {column} = now() - $1::interval", KEPT_AFTER_ITS_END - MOMENT
    )

    assert await expiry.expire_sessions() == 0

    assert await statements.value("select count(*) from auth.session") == 3


async def test_revocations_are_forgotten_once_no_token_can_be_shown_that_they_name(
    expiry: Expiry, statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    session = await store_session(await store_account())
    for ago in (KEEP, KEEP + KEPT_LONGER - MOMENT, *[KEEP + KEPT_LONGER + MOMENT] * 3):
        await statements.rows(
            "insert into auth.revocation (account_id, session_id, revoked_at)"
            " values ($1, $2, now() - $3::interval)",
            session.account_id,
            session.id,
            ago,
        )

    forgotten = await expiry.forget_revocations()

    assert forgotten == 3
    assert await statements.value("select count(*) from auth.revocation") == 2


async def test_a_revoked_token_stays_revoked_for_whoever_starts_after_the_forgetting(
    expiry: Expiry,
    statements: Statements,
    revocation_list: RevocationList,
    follower: RevocationFollower,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())
    await statements.rows(
        "insert into auth.revocation (account_id, session_id, revoked_at)"
        " values ($1, $2, now() - $3::interval)",
        session.account_id,
        session.id,
        KEEP - MOMENT,
    )

    await expiry.forget_revocations()
    await follower.look()

    await _assert_revoked(revocation_list, claims_of(session))


async def test_an_access_token_of_an_expired_session_is_answered_as_revoked(
    expiry: Expiry,
    statements: Statements,
    revocation_list: RevocationList,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())
    await statements.rows("update auth.session set revoked_at = now() - interval '1 year'")

    await expiry.expire_sessions()

    await _assert_revoked(revocation_list, claims_of(session))


async def test_attempts_are_forgotten_once_nothing_is_held_against_anybody(
    expiry: Expiry, statements: Statements
) -> None:
    for ago, failures in (
        *[(MOMENT, 0), (FAILURE_REMEMBERED + MOMENT, 1), (100 * FAILURE_REMEMBERED + MOMENT, 100)],
        *[(-MOMENT, 0), (FAILURE_REMEMBERED - MOMENT, 1), (100 * FAILURE_REMEMBERED - MOMENT, 100)],
    ):
        await statements.rows(
            "insert into auth.throttle (key, forgiven_at, next_at, failures)"
            " values ($1, now() - $2::interval, now(), $3)",
            token_bytes(32),
            ago,
            failures,
        )

    forgotten = await expiry.forget_attempts()

    assert forgotten == 3
    assert await statements.value("select count(*) from auth.throttle") == 3


@pytest.mark.parametrize("young", [0, 1, 4], ids=["all old", "one young", "some young"])
async def test_activity_is_forgotten_when_it_is_too_old(
    expiry: Expiry, statements: Statements, young: int
) -> None:
    ages = [ACTIVITY_KEPT + MOMENT] * 5 + [ACTIVITY_KEPT - MOMENT] * young
    for age in ages:
        await statements.rows(
            "insert into auth.activity (account_id, what, at)"
            " values (gen_random_uuid(), 'login', now() - $1::interval)",
            age,
        )

    forgotten = await expiry.forget_activity()

    assert forgotten == 5
    assert await statements.value("select count(*) from auth.activity") == young


async def test_attempts_that_are_in_use_are_left_to_the_next_time_and_not_waited_for(
    expiry: Expiry, statements: Statements, engine: AsyncEngine
) -> None:
    for _ in range(3):
        await statements.rows(
            "insert into auth.throttle (key, forgiven_at, next_at, failures)"
            " values ($1, now() - interval '1 year', now(), 0)",
            token_bytes(32),
        )

    async with engine.begin() as connection:
        await connection.execute(
            text("select key from auth.throttle order by key limit 1 for update")
        )
        async with asyncio.timeout(60):
            assert await expiry.forget_attempts() == 2

    assert await expiry.forget_attempts() == 1


async def _assert_revoked(revocation_list: RevocationList, claims: AccessClaims) -> None:
    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims)
