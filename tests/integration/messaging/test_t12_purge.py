"""T12: purge forgets what is old and owed to nobody, and never an event that is owed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from app.shared.application.reader import Row
from app.shared.infrastructure.messaging.purging import purge
from app.shared.infrastructure.messaging.replay import replay
from app.shared.infrastructure.statements import Statements
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer

MONTH = timedelta(days=30)

GATE = 0x67617465
PAUSE_AT_THE_FIRST = f"""
CREATE FUNCTION lab.wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({GATE});
    RETURN OLD;
END $$;
CREATE TRIGGER pause BEFORE DELETE ON messaging.event FOR EACH ROW WHEN (OLD.position = 1)
    EXECUTE FUNCTION lab.wait_at_the_gate();
"""
NO_MORE_PAUSE = "DROP TRIGGER pause ON messaging.event; DROP FUNCTION lab.wait_at_the_gate();"


async def test_only_what_is_old_and_owed_to_nobody_is_forgotten(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"), observer("lab.second"))
    await _publish(messaging, 6)
    await _pay(messaging, "position <> 2 AND (position <> 3 OR subscriber = 'lab.first')")
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET dead_at = now() WHERE position = 3"
    )
    await _age(messaging, "position <> 5", days=31)
    await _age(messaging, "position = 5", days=29)

    purged = await purge(messaging.statements, older_than=MONTH)

    assert purged == 3
    assert await _stored(messaging) == [2, 3, 5]


@pytest.mark.parametrize("batch", [1, 2, 100])
async def test_batches_pass_by_what_stays(messaging: Messaging, batch: int) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 9)
    await _pay(messaging, "position NOT IN (1, 2, 3, 6)")
    await _age(messaging, "position <> 8", days=31)

    purged = await purge(messaging.statements, older_than=MONTH, batch=batch)

    assert purged == 4
    assert await _stored(messaging) == [1, 2, 3, 6, 8]


async def test_nothing_old_is_nothing_purged(messaging: Messaging) -> None:
    await _publish(messaging, 2)

    purged = await purge(messaging.statements, older_than=MONTH)

    assert purged == 0
    assert await _stored(messaging) == [1, 2]


async def test_an_event_that_is_just_being_owed_anew_is_left_without_waiting(
    messaging: Messaging,
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 3)
    await _pay(messaging, "true")
    await _age(messaging, "true", days=31)

    async with messaging.engine.begin() as replaying:
        await replaying.exec_driver_sql(
            "INSERT INTO messaging.delivery (position, subscriber, key, strict)"
            " VALUES (2, 'lab.first', 's', false)"
        )
        async with asyncio.timeout(60):
            purged = await purge(messaging.statements, older_than=MONTH)

    assert purged == 2
    assert await _stored(messaging) == [2]
    assert await messaging.owed() == [("lab.first", 2, 0, False)]


async def test_an_event_that_is_owed_anew_after_the_look_stays_and_the_purge_goes_on(
    messaging: Messaging, database: str
) -> None:
    """The purge has looked, holds the first event and pauses; only then is the last owed anew."""
    await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 3)
    await _pay(messaging, "true")
    await _age(messaging, "true", days=31)
    watched = Watched(database)

    async with _pause(messaging) as gate:
        purging = asyncio.create_task(purge(watched, older_than=MONTH))
        await _somebody_waits(messaging)
        await messaging.statements.rows(
            "INSERT INTO messaging.delivery (position, subscriber, key, strict)"
            " VALUES (3, 'lab.first', 's', false)"
        )
        await gate.rollback()
        purged = await purging
    await watched.close()

    assert watched.refused == 1
    assert purged == 2
    assert await _stored(messaging) == [3]
    assert await messaging.owed() == [("lab.first", 3, 0, False)]


async def test_replays_and_purges_at_the_same_time_agree(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 200)
    await _pay(messaging, "true")
    await _age(messaging, "true", days=31)

    replayed, purged, again = await asyncio.gather(
        replay(messaging.statements, "lab.first", since=MONTH * 2, batch=3),
        purge(messaging.statements, older_than=MONTH, batch=3),
        purge(messaging.statements, older_than=MONTH, batch=5),
    )
    await dispatcher.drain()

    stored = await _stored(messaging)
    assert purged + again + len(stored) == 200
    assert [number for _, number in await messaging.seen("lab.first")] == stored
    assert replayed.owed_anew == len(stored)


class Watched(Statements):
    """Counts what the foreign key refused; deletes one row after the other, as they are found."""

    def __init__(self, url: str) -> None:
        plan = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
        one_by_one = make_url(url).update_query_dict(plan).render_as_string(hide_password=False)
        super().__init__(one_by_one, pool_size=1, pool_timeout=60, connect_timeout=60)
        self.refused = 0

    async def row(self, sql: str, *args: Any) -> Row | None:
        try:
            return await super().row(sql, *args)
        except asyncpg.ForeignKeyViolationError:
            self.refused += 1
            raise


async def _publish(messaging: Messaging, count: int) -> None:
    await messaging.publish(*(NumberDrawn(series="s", number=n + 1) for n in range(count)))


async def _pay(messaging: Messaging, where: str) -> None:
    await messaging.statements.rows(f"DELETE FROM messaging.delivery WHERE {where}")


async def _age(messaging: Messaging, where: str, *, days: int) -> None:
    await messaging.statements.rows(
        f"UPDATE messaging.event SET occurred_at = now() - $1::interval WHERE {where}",
        timedelta(days=days),
    )


async def _stored(messaging: Messaging) -> list[int]:
    rows = await messaging.statements.rows("SELECT position FROM messaging.event ORDER BY position")
    return [row["position"] for row in rows]


@asynccontextmanager
async def _pause(messaging: Messaging) -> AsyncIterator[Any]:
    """Whoever deletes the first event waits at a gate until the transaction inside ends."""
    async with messaging.engine.begin() as setting_up:
        raw = await setting_up.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.execute(PAUSE_AT_THE_FIRST)
    try:
        async with messaging.engine.connect() as gate:
            await gate.exec_driver_sql(f"SELECT pg_advisory_xact_lock({GATE})")
            yield gate
    finally:
        async with messaging.engine.begin() as clearing_up:
            raw = await clearing_up.get_raw_connection()
            driver = raw.driver_connection
            await driver.execute(NO_MORE_PAUSE)


async def _somebody_waits(messaging: Messaging) -> None:
    async with asyncio.timeout(60):
        while not await messaging.statements.value(
            "SELECT bool_or(wait_event_type = 'Lock') FROM pg_stat_activity"
            " WHERE datname = current_database()"
        ):
            pass
