"""The unit of work of `auth`: aggregates, events and revocations in one commit, or none."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.database import create_engine
from app.modules.auth.domain.account import Role
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.errors import EmailTakenError, SessionRevokedError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session_values import RevocationReason
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.unit_of_work import SqlAlchemyAuthUnitOfWork
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.domain.ids import new_id
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import (
    AuthWork,
    StoreAccount,
    StoreSession,
    claims_of,
    new_account,
)

_COUNT = """
select (select count(*) from auth.account) as accounts,
       (select count(*) from messaging.event) as events
"""

_SEND = """
insert into auth.outgoing_mail (id, kind, account_id, address, locale, created_at, expires_at)
values (gen_random_uuid(), $1, $2, 'ada@example.com', 'en',
        clock_timestamp() - interval '2 hours', clock_timestamp() + $3::interval)
"""

_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def _counts(statements: Statements) -> tuple[int, int]:
    row = await statements.row(_COUNT)
    assert row is not None
    return row["accounts"], row["events"]


async def test_an_account_comes_back_as_it_was_stored(
    auth_work: AuthWork, store_account: StoreAccount
) -> None:
    stored = await store_account("Ada@Example.com")

    async with auth_work() as work:
        by_id = await work.accounts.by_id(stored.id)
        by_email = await work.accounts.by_email("ada@example.com")

        assert by_id is by_email
        assert by_id is not None
        assert by_id is not stored
        assert (by_id.email.display, by_id.email.key) == ("Ada@Example.com", "ada@example.com")
        assert by_id.roles == frozenset({Role.USER})
        assert by_id.is_active
        assert by_id.created_at == stored.created_at
        assert by_id.collect_events() == []


async def test_a_commit_stores_the_change_with_its_event_and_rings(
    auth_work: AuthWork, statements: Statements, rings: list[None]
) -> None:
    async with auth_work() as work:
        work.accounts.add(new_account())
        assert await _counts(statements) == (0, 0)
        await work.commit()

    assert await _counts(statements) == (1, 1)
    assert rings == [None]


async def test_leaving_without_a_commit_stores_nothing(
    auth_work: AuthWork, statements: Statements, rings: list[None]
) -> None:
    async with auth_work() as work:
        work.accounts.add(new_account())

    assert await _counts(statements) == (0, 0)
    assert rings == []


async def test_an_error_stores_nothing_and_passes_through(
    auth_work: AuthWork, statements: Statements
) -> None:
    async def fail() -> None:
        async with auth_work() as work:
            work.accounts.add(new_account())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await _counts(statements) == (0, 0)


async def test_a_second_account_under_one_address_is_refused_and_leaves_nothing(
    auth_work: AuthWork, statements: Statements, store_account: StoreAccount, rings: list[None]
) -> None:
    await store_account("ada@example.com")
    before = len(rings)

    with pytest.raises(EmailTakenError):
        await store_account("ADA@example.com")

    assert await _counts(statements) == (1, 1)
    assert len(rings) == before


async def test_a_revocation_is_stored_with_its_cause_and_known_after_the_commit(
    auth_work: AuthWork,
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())
    await follower.look()
    async with auth_work() as work:
        locked = await work.sessions.locked(session.id)
        assert locked is not None
        locked.revoke(RevocationReason.LOGOUT, await work.now())
        work.revocations.add(Revocation(account_id=session.account_id, session_id=session.id))
        await revocation_list.living_roles(claims_of(session))

        await work.commit()

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))
    row = await statements.row("select * from auth.revocation")
    assert row is not None
    assert (row["account_id"], row["session_id"], row["epoch"]) == (
        *(session.account_id, session.id),
        None,
    )
    assert await statements.value("select revocation_reason from auth.session") == "logout"


async def test_a_revocation_that_is_rolled_back_is_not_known(
    auth_work: AuthWork,
    revocation_list: RevocationList,
    follower: RevocationFollower,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())
    await follower.look()

    async with auth_work() as work:
        work.revocations.add(Revocation(account_id=session.account_id, session_id=session.id))

    await follower.look()
    await revocation_list.living_roles(claims_of(session))


async def test_a_locked_session_waits_for_the_other_transaction(
    auth_work: AuthWork,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    session = await store_session(await store_account())

    async def label_seen_by_another() -> str | None:
        async with auth_work() as other:
            seen = await other.sessions.locked(session.id)
            assert seen is not None
            return seen.label

    async with auth_work() as work:
        locked = await work.sessions.locked(session.id)
        assert locked is not None
        other = asyncio.create_task(label_seen_by_another())
        while not (other.done() or await statements.value(_WAITING)):
            pass
        locked.label = "renamed"
        await work.commit()

    assert await other == "renamed"


async def test_of_the_mails_of_an_account_those_are_read_that_still_matter(
    auth_work: AuthWork, statements: Statements, store_account: StoreAccount
) -> None:
    account, past, future = await store_account(), timedelta(minutes=-1), timedelta(minutes=1)
    for kind, expires_in in (
        (MailKind.RESET_PASSWORD, past),
        (MailKind.PASSWORD_CHANGED, None),
        (MailKind.RESET_PASSWORD, future),
        (MailKind.VERIFY_EMAIL, past),
    ):
        await statements.rows(_SEND, kind, account.id, expires_in)

    async with auth_work() as work:
        read = await work.mails.of_account(account.id)

    assert [mail.kind for mail in read] == [MailKind.VERIFY_EMAIL, MailKind.RESET_PASSWORD]


async def test_a_logout_in_flight_leaves_nothing_of_an_account_that_is_deleted(
    auth_work: AuthWork,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    account = await store_account()
    session = await store_session(account)

    async def delete() -> None:
        async with auth_work() as deleting:
            found = await deleting.accounts.locked(account.id)
            assert found is not None
            await deleting.accounts.remove(found)
            await deleting.commit()

    async with auth_work() as work:
        assert await work.sessions.locked(session.id)
        deletion = asyncio.create_task(delete())
        while not await statements.value(_WAITING):
            pass
        work.activity.add(Activity.of(account.id, ActivityKind.LOGOUT))
        await work.commit()
    await deletion

    assert await statements.value("select count(*) from auth.activity") == 0


@pytest.mark.parametrize("address", ["ada@example.com", "nobody@example.com"])
async def test_requests_for_one_address_take_turns_whether_or_not_it_is_somebodys(
    auth_work: AuthWork, statements: Statements, store_account: StoreAccount, address: str
) -> None:
    await store_account("ada@example.com")

    async def ask() -> None:
        async with auth_work() as second:
            await second.accounts.locked_by_email(address)

    async with auth_work() as first:
        await first.accounts.locked_by_email(address)
        asking = asyncio.create_task(ask())
        while not (waiting := await statements.value(_WAITING)) and not asking.done():
            pass
    await asking

    assert waiting == 1


async def test_an_unknown_session_or_account_is_none(auth_work: AuthWork) -> None:
    async with auth_work() as work:
        assert await work.sessions.locked(new_id()) is None
        assert await work.accounts.by_id(new_id()) is None
        assert await work.accounts.by_email("nobody@example.com") is None


async def test_an_unreachable_database_is_an_outage_wherever_it_shows(
    unreachable_url: str, revocation_list: RevocationList
) -> None:
    engine = create_engine(unreachable_url, pool_size=1, pool_timeout=1)

    def work() -> SqlAlchemyAuthUnitOfWork:
        publish = EventLog(EventCodec(())).publish
        return SqlAlchemyAuthUnitOfWork(engine, publish, lambda: None, revocation_list)

    async def read() -> None:
        async with work() as reading:
            await reading.accounts.by_id(new_id())

    async def write() -> None:
        async with work() as writing:
            writing.accounts.add(new_account())
            await writing.commit()

    for attempt in (read, write):
        with pytest.raises(DatabaseUnavailableError):
            await attempt()
    await engine.dispose()


async def test_a_connection_that_the_server_ends_is_an_outage(
    auth_work: AuthWork, statements: Statements
) -> None:
    terminate = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and state = 'idle in transaction'"
    )

    async def lose_the_connection() -> None:
        async with auth_work() as work:
            await work.now()
            await statements.rows(terminate)
            work.accounts.add(new_account())
            await work.commit()

    with pytest.raises(DatabaseUnavailableError):
        await lose_the_connection()

    assert await _counts(statements) == (0, 0)
    async with auth_work() as work:
        assert await work.accounts.by_email("ada@example.com") is None
