"""The list of revocations: what it knows, when, and when it asks the database instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.modules.auth.domain.errors import AccountDisabledError, SessionRevokedError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.application.reader import Reader, Row
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.integration.auth.conftest import StoreAccount, StoreSession, claims_of
from tests.revocations import KEEP, Elapsed, Revocations, revocations

_REVOKE = """
insert into auth.revocation (account_id, session_id, epoch, revoked_at)
values ($1, $2, $3, clock_timestamp() - $4::interval)
"""
_END = "update auth.session set revoked_at = now()"
"""As no code of ours does: without a revocation, so that only the session's row tells."""


class ReaderWithAnotherTime(Reader):
    """The database, as if its clock were `ahead` of what it is."""

    def __init__(self, reader: AsyncpgReader) -> None:
        self._reader = reader
        self.ahead = timedelta(0)

    async def row(self, sql: str, *args: Any) -> Row | None:
        return await self._reader.row(sql, *args)

    async def rows(self, sql: str, *args: Any) -> list[Row]:
        return [
            {**{name: row[name] for name in row.keys()}, "now": row["now"] + self.ahead}  # noqa: SIM118  # a record, no dict
            for row in await self._reader.rows(sql, *args)
        ]


@pytest.fixture
async def session(store_account: StoreAccount, store_session: StoreSession) -> Session:
    return await store_session(await store_account())


async def _revoke(
    statements: Statements,
    session: Session,
    *,
    epoch: int | None = None,
    ago: timedelta = timedelta(0),
) -> None:
    named = session.id if epoch is None else None
    await statements.rows(_REVOKE, session.account_id, named, epoch, ago)


async def test_a_poll_shows_what_another_process_revoked(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
) -> None:
    await follower.look()
    await _revoke(statements, session)
    await revocation_list.living_roles(claims_of(session))

    await follower.look()

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))


async def test_a_revocation_concerns_its_session_alone(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    other = await store_session(await store_account("bob@example.com"))
    await _revoke(statements, other)

    await follower.look()

    await revocation_list.living_roles(claims_of(session))


async def test_a_raised_epoch_ends_the_older_tokens_of_the_account(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
) -> None:
    await _revoke(statements, session, epoch=1)

    await follower.look()

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))
    session.epoch = 1
    await revocation_list.living_roles(claims_of(session))


async def test_the_first_poll_reads_all_that_a_token_may_still_be_checked_against(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
) -> None:
    await _revoke(statements, session, ago=KEEP - timedelta(seconds=30))

    await follower.look()

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))


async def test_a_commit_that_became_visible_late_is_still_found(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
) -> None:
    await follower.look()
    await _revoke(statements, session, ago=timedelta(seconds=50))

    await follower.look()

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))


@pytest.mark.parametrize("ahead", [timedelta(minutes=-5), timedelta(minutes=5)])
async def test_a_look_goes_back_to_the_last_one_by_the_clock_of_the_database(
    reader: AsyncpgReader, statements: Statements, session: Session, ahead: timedelta
) -> None:
    elsewhen = ReaderWithAnotherTime(reader)
    revoked = revocations(elsewhen)
    elsewhen.ahead = ahead
    await revoked.follower.look()
    elsewhen.ahead = timedelta(0)
    await _revoke(statements, session, ago=max(-ahead, timedelta(0)) + timedelta(seconds=50))

    await revoked.follower.look()

    with pytest.raises(SessionRevokedError):
        await revoked.check.living_roles(claims_of(session))


async def test_what_no_token_can_outlive_is_forgotten(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
    elapsed: Elapsed,
) -> None:
    await _revoke(statements, session)
    await follower.look()
    elapsed.seconds += KEEP.total_seconds() + 1
    await statements.rows("delete from auth.revocation")

    await follower.look()

    await revocation_list.living_roles(claims_of(session))


async def test_what_this_process_revokes_it_knows_at_once(
    revocation_list: RevocationList, follower: RevocationFollower, session: Session
) -> None:
    await follower.look()

    revocation_list.add(Revocation(account_id=session.account_id, session_id=session.id))

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))


async def test_what_this_process_revokes_it_tells_the_others(
    revoked: Revocations, session: Session
) -> None:
    revoked.check.add(Revocation(account_id=session.account_id, session_id=session.id))

    assert len(revoked.announced) == 1


@pytest.mark.parametrize("fresh", [False, True], ids=["strict", "fresh"])
@pytest.mark.parametrize(
    ("end", "refusal"),
    [
        (_END, SessionRevokedError),
        ("update auth.account set auth_epoch = 1", SessionRevokedError),
        ("update auth.account set status = 'disabled'", AccountDisabledError),
        ("delete from auth.session", SessionRevokedError),
    ],
    ids=["revoked", "epoch", "disabled", "gone"],
)
async def test_the_database_is_asked_under_strict_and_by_whoever_must_be_certain(
    reader: AsyncpgReader,
    statements: Statements,
    session: Session,
    end: str,
    refusal: type[Exception],
    fresh: bool,
) -> None:
    revoked = revocations(reader, strict=not fresh)
    await revoked.follower.look()
    await revoked.check.living_roles(claims_of(session), fresh=fresh)
    await statements.rows(end)

    with pytest.raises(refusal):
        await revoked.check.living_roles(claims_of(session), fresh=fresh)


async def test_a_list_that_was_never_read_asks_the_database(
    revocation_list: RevocationList, statements: Statements, session: Session
) -> None:
    await revocation_list.living_roles(claims_of(session))
    await statements.rows(_END)

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))


async def test_a_list_of_more_than_ten_seconds_ago_asks_the_database(
    revocation_list: RevocationList,
    follower: RevocationFollower,
    statements: Statements,
    session: Session,
    elapsed: Elapsed,
) -> None:
    await follower.look()
    await statements.rows(_END)
    elapsed.seconds += 9.9
    await revocation_list.living_roles(claims_of(session))
    elapsed.seconds += 0.2

    with pytest.raises(SessionRevokedError):
        await revocation_list.living_roles(claims_of(session))


@pytest.mark.parametrize("fresh", [False, True], ids=["stale", "fresh"])
async def test_without_the_database_nobody_is_admitted_who_has_to_be_looked_up(
    reader: AsyncpgReader, unreachable_url: str, session: Session, fresh: bool
) -> None:
    away = AsyncpgReader(unreachable_url, pool_size=1, pool_timeout=1)
    revoked = revocations(reader)
    if fresh:
        await revoked.follower.look()
    check = RevocationList(away, revoked.memory, revoked.follower, lambda: None, strict=False)

    with pytest.raises(DatabaseUnavailableError):
        await check.living_roles(claims_of(session), fresh=fresh)
    await away.close()


async def test_a_failed_look_changes_nothing(
    revoked: Revocations, unreachable_url: str, statements: Statements, session: Session
) -> None:
    away = AsyncpgReader(unreachable_url, pool_size=1, pool_timeout=1)
    follower = RevocationFollower(away, revoked.memory, keep=KEEP, follow=lambda _: None)

    with pytest.raises(DatabaseUnavailableError):
        await follower.look()

    assert not follower.is_current
    await away.close()


async def test_each_look_sets_the_clock_by_the_database(reader: AsyncpgReader) -> None:
    seen: list[datetime] = []

    await revocations(reader, follow=seen.append).follower.look()

    [now] = seen
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
