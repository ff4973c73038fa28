"""When a subscriber last succeeded: told by every process, moved forward only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import make_url

from app.shared.domain.errors import UnavailableError
from app.shared.infrastructure.messaging.last_delivered import LastDelivered
from app.shared.infrastructure.statements import Statements

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)

TERMINATE_WHO_WAITS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
SOMEBODY_WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
LOCK = "SELECT FROM messaging.subscription WHERE subscriber = $1 FOR UPDATE SKIP LOCKED"


@pytest.fixture(autouse=True)
async def subscriptions(statements: Statements) -> None:
    await statements.rows(
        "INSERT INTO messaging.subscription (subscriber, event_type, strict) VALUES"
        " ('lab.one', 'lab.number_drawn', false), ('lab.many', 'lab.number_drawn', false),"
        " ('lab.many', 'lab.other', false), ('lab.never', 'lab.other', false)"
    )


async def told(statements: Statements) -> dict[str, set[datetime | None]]:
    rows = await statements.rows("SELECT subscriber, last_delivered_at FROM messaging.subscription")
    found: dict[str, set[datetime | None]] = {row["subscriber"]: set() for row in rows}
    for row in rows:
        found[row["subscriber"]].add(row["last_delivered_at"])
    return found


async def test_a_success_is_told_for_all_types_of_its_subscriber(statements: Statements) -> None:
    last_delivered = LastDelivered(statements, {"lab.one": NOON, "lab.many": LATER})

    await last_delivered.note()

    assert await told(statements) == {"lab.one": {NOON}, "lab.many": {LATER}, "lab.never": {None}}


async def test_the_time_of_another_process_is_never_moved_back(statements: Statements) -> None:
    ahead = LastDelivered(statements, {"lab.one": LATER})
    behind = LastDelivered(statements, {"lab.one": NOON})

    await ahead.note()
    await behind.note()

    assert (await told(statements))["lab.one"] == {LATER}


async def test_a_process_that_delivered_nothing_since_asks_nothing(
    statements: Statements, unreachable_url: str
) -> None:
    delivered = {"lab.one": NOON}
    idle = LastDelivered(Statements(unreachable_url, pool_size=1, pool_timeout=1), {})
    last_delivered = LastDelivered(statements, delivered)
    await last_delivered.note()
    await statements.rows("UPDATE messaging.subscription SET last_delivered_at = NULL")

    await idle.note()
    await last_delivered.note()
    untouched = (await told(statements))["lab.one"]
    delivered["lab.one"] = LATER
    await last_delivered.note()

    assert untouched == {None}
    assert (await told(statements))["lab.one"] == {LATER}


async def test_what_an_outage_kept_from_being_told_is_told_after_it(
    statements: Statements, database: str
) -> None:
    own = Statements(database, pool_size=1, pool_timeout=60, connect_timeout=60)
    last_delivered = LastDelivered(own, {"lab.one": NOON})
    connection = await asyncpg.connect(_plain(database))
    async with connection.transaction():
        await connection.execute("LOCK messaging.subscription")
        noting = asyncio.create_task(last_delivered.note())
        while not await statements.value(TERMINATE_WHO_WAITS):
            pass

    with pytest.raises(UnavailableError):
        await noting
    await last_delivered.note()

    assert (await told(statements))["lab.one"] == {NOON}
    await connection.close()
    await own.close()


async def test_processes_that_tell_at_once_lock_in_one_order(
    statements: Statements, database: str
) -> None:
    last_delivered = LastDelivered(statements, {"lab.one": NOON, "lab.many": NOON})
    connection = await asyncpg.connect(_plain(database))
    async with connection.transaction():
        await connection.execute(LOCK, "lab.many")
        noting = asyncio.create_task(last_delivered.note())
        while not await statements.value(SOMEBODY_WAITS):
            pass

        # Whoever waits for the first holds none of the others.
        free = await connection.execute(LOCK, "lab.one")

    await noting
    assert free == "SELECT 1"
    assert await told(statements) == {"lab.one": {NOON}, "lab.many": {NOON}, "lab.never": {None}}
    await connection.close()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
