"""T9: a handler slower than its lease, beside a second process, runs once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import asyncpg_dsn, create_engine
from tests.e2e.socket.server import eventually
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import NumberDrawn, observer
from tests.integration.messaging.slow_worker import HELD_UP, SUBSCRIBER

END_SLOW_LEASES = """
-- From the moment of the claim: later the row is locked by who runs it.
CREATE FUNCTION lab.end_lease() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN NEW.available_at := now(); RETURN NEW; END';
CREATE TRIGGER end_slow_leases BEFORE UPDATE ON messaging.delivery FOR EACH ROW
WHEN (NEW.attempts > OLD.attempts AND NEW.key = 'slow') EXECUTE FUNCTION lab.end_lease();
"""
LEAVE_LEASES = "DROP FUNCTION lab.end_lease CASCADE"
HELD_UP_NOW = """
SELECT count(*)::int FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


class Slow:
    """Stays in its handler until it may end, at the latest when the test does."""

    def __init__(self) -> None:
        self.runs = 0
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, event: NumberDrawn, *_: object) -> None:
        if event.series == "slow":
            self.runs += 1
            self.started.set()
            await self.may_end.wait()


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.may_end.set()


@pytest.fixture
async def other_engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database, pool_size=10, pool_timeout=60, connect_timeout=60)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def process(database: str) -> AsyncIterator[None]:
    """It ends well, or by force where the test has failed."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.messaging.slow_worker", database),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        yield
        async with asyncio.timeout(60):
            await worker.communicate(b"")
        assert worker.returncode == 0
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()


@pytest.fixture
async def held_up(database: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Whoever is slow waits for this connection's lock, and no lease protects him."""
    connection = await asyncpg.connect(asyncpg_dsn(database))
    await connection.execute(END_SLOW_LEASES)
    await connection.execute(f"SELECT pg_advisory_lock({HELD_UP})")
    yield connection
    await connection.execute("SELECT pg_advisory_unlock_all()")
    await connection.execute(LEAVE_LEASES)
    await connection.close()


async def test_beside_a_second_process_a_reaction_slower_than_its_lease_runs_once(
    messaging: Messaging,
    seen: Seen,
    database: str,
    held_up: asyncpg.Connection[asyncpg.Record],
) -> None:
    await messaging.dispatcher(SUBSCRIBER)
    quick = [("quick", number) for number in range(20)]
    await messaging.publish(NumberDrawn(series="slow", number=1))

    async def somebody_is_slow() -> bool:
        return bool(await held_up.fetchval(HELD_UP_NOW))

    async with process(database):
        await eventually(somebody_is_slow)
        await messaging.publish(NumberDrawn(series="slow", number=2))
        await messaging.publish(*(NumberDrawn(series=s, number=n) for s, n in quick))
        async with process(database):
            await seen.wait_for(len(quick))
            slow = await held_up.fetchval(HELD_UP_NOW)
            due = await held_up.fetchval(
                "SELECT available_at <= now() FROM messaging.delivery WHERE position = 1"
            )
            meanwhile = await messaging.seen(SUBSCRIBER.name)
            await held_up.execute("SELECT pg_advisory_unlock_all()")
            await seen.wait_for(len(quick) + 2)

    assert (slow, due) == (1, True)
    assert meanwhile == quick
    assert await messaging.seen(SUBSCRIBER.name) == [*quick, ("slow", 1), ("slow", 2)]
    assert await messaging.owed() == []


@pytest.mark.parametrize("batch", [1, 5])
async def test_a_reaction_slower_than_its_lease_runs_once(
    messaging: Messaging, other_engine: AsyncEngine, slow: Slow, batch: int
) -> None:
    subscriber = observer("lab.first", before=slow, batch=batch)
    here = await messaging.dispatcher(subscriber)
    there = await messaging.dispatcher(subscriber, engine=other_engine)
    await messaging.publish(NumberDrawn(series="slow", number=1))
    claim = await here._claiming.claim({"lab.first": 5})
    await messaging.make_all_due()  # the lease has run out
    running = asyncio.create_task(here._delivering.deliver(claim.deliveries))
    async with asyncio.timeout(60):
        await slow.started.wait()
    await messaging.publish(*(NumberDrawn(series="slow", number=n) for n in (2, 3)))
    await messaging.publish(NumberDrawn(series="quick", number=1))

    async with asyncio.timeout(60):
        await there.drain()
    meanwhile = await messaging.seen("lab.first")
    slow.may_end.set()
    await running
    await there.drain()

    assert meanwhile == [("quick", 1)]
    assert slow.runs == 3
    assert await messaging.seen("lab.first") == [
        ("quick", 1),
        *(("slow", number) for number in (1, 2, 3)),
    ]
    assert await messaging.owed() == []


async def test_a_claim_that_was_overtaken_does_not_wait_for_who_has_it(
    messaging: Messaging, other_engine: AsyncEngine, slow: Slow
) -> None:
    subscriber = observer("lab.first", before=slow)
    here = await messaging.dispatcher(subscriber)
    there = await messaging.dispatcher(subscriber, engine=other_engine)
    await messaging.publish(NumberDrawn(series="slow", number=1))
    late = await there._claiming.claim({"lab.first": 1})
    await messaging.make_all_due()
    claim = await here._claiming.claim({"lab.first": 1})
    running = asyncio.create_task(here._delivering.deliver(claim.deliveries))
    async with asyncio.timeout(60):
        await slow.started.wait()

    async with asyncio.timeout(60):
        await there._delivering.deliver(late.deliveries)
    slow.may_end.set()
    await running

    assert slow.runs == 1
    assert there.outcomes["lab.first", "lost"] == 1
    assert await messaging.seen("lab.first") == [("slow", 1)]
