"""What is over is forgotten, and nothing that an answer still depends on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.ports import AccessClaims
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.infrastructure.expiry import KEPT_AFTER_ITS_END, KEPT_LONGER, Expiry
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import KEEP, StoreAccount, StoreSession, claims_of

MOMENT = timedelta(minutes=1)


@pytest.fixture
def expiry(statements: Statements) -> Expiry:
    """In batches of two, so that every test is of several."""
    return Expiry(statements, remembered=KEEP, batch=2)


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
    await revocation_list.poll()

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


async def _assert_revoked(revocation_list: RevocationList, claims: AccessClaims) -> None:
    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims)
