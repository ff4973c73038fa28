"""What keeps the memory of revocations true: looks that come by themselves, or sooner if told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.infrastructure import revocation_follower as module
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_notice import CHANNEL, RevocationNotice
from app.shared.application.reader import Row
from app.shared.domain.ids import new_id
from app.shared.infrastructure.listening import PostgresListener
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.integration.auth.conftest import StoreAccount, StoreSession, claims_of
from tests.revocations import KEEP, Elapsed, Revocations, revocations

REVOKE_MANY = """
insert into auth.revocation (account_id, session_id, revoked_at)
select gen_random_uuid(), gen_random_uuid(), clock_timestamp() - $2::interval
from generate_series(1, $1::int)
"""
REVOKE = """
insert into auth.revocation (account_id, session_id, revoked_at)
values ($1, $2, clock_timestamp() - $3::interval)
"""
HOUR = 3_600.0


class CountingReader(AsyncpgReader):
    """Knows how many rows it was sent."""

    sent = 0

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
        rows = await super().rows(sql, *args)
        self.sent += len(rows)
        return rows


@pytest.fixture
async def session(store_account: StoreAccount, store_session: StoreSession) -> Session:
    return await store_session(await store_account())


@pytest.fixture
def small(reader: AsyncpgReader, elapsed: Elapsed) -> Revocations:
    """With room for three."""
    return revocations(reader, room=3, now=elapsed)


@pytest.fixture
async def listener(database: str, follower: RevocationFollower) -> AsyncIterator[PostgresListener]:
    listener = PostgresListener(
        database, CHANNEL, heard=follower.hear, resumed=follower.doubt, connect_timeout=60
    )
    await listener.start()
    yield listener
    await listener.stop()


async def _revoke(
    statements: Statements, session: Session, *, ago: timedelta = timedelta(0)
) -> None:
    await statements.rows(REVOKE, session.account_id, session.id, ago)


async def _is_refused(revoked: Revocations, session: Session) -> bool:
    try:
        await revoked.check.living_roles(claims_of(session))
    except SessionRevokedError:
        return True
    return False


async def test_more_than_there_is_room_for_makes_the_database_decide(
    small: Revocations, statements: Statements, session: Session
) -> None:
    await statements.rows(REVOKE_MANY, 4, timedelta(0))
    await small.follower.look()

    await small.check.living_roles(claims_of(session))
    await statements.rows("update auth.session set revoked_at = now()")

    assert not small.follower.is_current
    assert await _is_refused(small, session)


async def test_whoever_overflowed_reads_everything_once_there_is_room_again(
    small: Revocations, statements: Statements, session: Session
) -> None:
    await small.follower.look()
    await statements.rows(REVOKE_MANY, 3, timedelta(0))
    await _revoke(statements, session, ago=timedelta(minutes=5))
    with capture_logs() as told:
        small.follower.doubt()
        await small.follower.look()
        await small.follower.look()
        over = small.follower.is_current
        await statements.rows("delete from auth.revocation where session_id <> $1", session.id)

        await small.follower.look()

    assert not over
    assert small.follower.is_current
    assert small.memory.covers(session.account_id, session.id, session.epoch)
    assert [each["event"] for each in told] == [
        "more revocations than room",
        "room for all revocations again",
    ]


async def test_what_this_process_revokes_may_be_too_much_as_well(
    small: Revocations, statements: Statements, session: Session
) -> None:
    await _revoke(statements, session, ago=timedelta(minutes=5))
    await small.follower.look()
    for _ in range(2):
        small.follower.learn(Revocation(account_id=new_id(), session_id=new_id()))
    states = [small.follower.is_current]

    small.follower.learn(Revocation(account_id=new_id(), session_id=new_id()))

    states.append(small.follower.is_current)
    await small.follower.look()
    states.append(small.follower.is_current)
    assert states == [True, False, True]
    assert small.memory.covers(session.account_id, session.id, session.epoch)


async def test_what_there_is_no_room_for_is_counted_and_not_sent(
    database: str, statements: Statements
) -> None:
    reader = CountingReader(database, pool_size=1, pool_timeout=60, connect_timeout=60)
    await statements.rows(REVOKE_MANY, 4, timedelta(0))

    await revocations(reader, room=3).follower.look()

    assert reader.sent == 1
    await reader.close()


async def test_more_within_a_minute_than_there_is_room_for_is_noticed(
    small: Revocations, statements: Statements
) -> None:
    await small.follower.look()
    await statements.rows(REVOKE_MANY, 4, timedelta(0))

    await small.follower.look()

    assert not small.follower.is_current


async def test_what_was_full_before_the_look_and_no_longer_after_it_is_not_trusted(
    small: Revocations, statements: Statements, session: Session
) -> None:
    """What this process revoked while it was reading may be what was forgotten."""
    await statements.rows(REVOKE_MANY, 3, timedelta(0))
    look = asyncio.create_task(small.follower.look())
    await asyncio.sleep(0)
    for _ in range(3):
        small.follower.learn(Revocation(account_id=new_id(), session_id=new_id()))

    await look

    assert not small.follower.is_current


async def test_whoever_doubts_reads_everything_anew(
    revoked: Revocations, statements: Statements, session: Session
) -> None:
    await revoked.follower.look()
    await _revoke(statements, session, ago=timedelta(minutes=5))
    await revoked.follower.look()
    assert not await _is_refused(revoked, session)

    revoked.follower.doubt()
    await revoked.follower.look()

    assert await _is_refused(revoked, session)


async def test_a_doubt_during_a_look_is_not_forgotten(
    revoked: Revocations, statements: Statements, session: Session
) -> None:
    await revoked.follower.look()
    await _revoke(statements, session, ago=timedelta(minutes=5))
    look = asyncio.create_task(revoked.follower.look())
    await asyncio.sleep(0)

    revoked.follower.doubt()
    await look
    await revoked.follower.look()

    assert await _is_refused(revoked, session)


async def test_a_notice_ends_the_pause_of_every_process_that_listens(
    follower: RevocationFollower, listener: PostgresListener, statements: Statements
) -> None:
    notice = RevocationNotice(statements)

    for _ in range(3):
        notice.send()
        await follower.pause(HOUR)

    await notice.close()


async def test_what_was_told_during_a_look_ends_the_next_pause(
    follower: RevocationFollower,
) -> None:
    look = asyncio.create_task(follower.look())
    await asyncio.sleep(0)

    follower.hear()
    await look

    await follower.pause(HOUR)


async def test_looks_take_a_tenth_of_the_time_however_often_one_is_told(
    reader: AsyncpgReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(100))
    revoked = revocations(reader, now=lambda: float(next(ticks)))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await revoked.follower.look()
    revoked.follower.hear()

    await revoked.follower.pause(HOUR)

    [rest] = slept
    assert rest >= 10


async def test_a_look_walks_the_index_of_the_times(statements: Statements) -> None:
    await statements.rows(REVOKE_MANY, 20_000, timedelta(hours=3))
    await statements.rows(REVOKE_MANY, 20, timedelta(0))
    await statements.rows("analyze auth.revocation")

    plan = await statements.value(f"explain (format json) {module._RECENT}", None, KEEP, 100_000)

    assert "ix_revocation_revoked_at" in plan
    assert "Seq Scan" not in json.dumps(json.loads(plan))
