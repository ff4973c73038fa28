"""The backlog: who is owed how much and for how long, by a bounded walk over the indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.shared.application.backlog import SubscriberLag
from app.shared.infrastructure.messaging.backlog import LAG, lag
from app.shared.infrastructure.statements import AsyncpgReader
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer

FILL = """
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT gen_random_uuid(), 'lab.number_drawn', 1, 's' || n % 500, '{}', '{}', now()
    FROM generate_series(1, 5000) AS n
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict, dead_at)
SELECT position, 'lab.first', key, false, CASE WHEN position % 10 = 0 THEN now() END FROM stored
"""


async def test_due_waiting_and_dead_deliveries_are_counted_apart(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    await messaging.dispatcher(observer("lab.first"), observer("lab.second"))
    await _publish(messaging, 5)
    await messaging.statements.rows(
        "DELETE FROM messaging.delivery WHERE subscriber <> 'lab.first'"
    )
    await _set(messaging, "available_at = now() + interval '1 hour'", "position = 2")
    await _set(messaging, "dead_at = now()", "position > 3")

    first, second = await lag(reader)

    assert (first.subscriber, second.subscriber) == ("lab.first", "lab.second")
    assert (first.owed, first.due, first.waiting, first.dead, first.more) == (3, 2, 1, 2, False)
    assert second == SubscriberLag(
        subscriber="lab.second", owed=0, due=0, waiting=0, dead=0, more=False,
        oldest_age=None, last_delivered_at=None,
    )  # fmt: skip


@pytest.mark.parametrize("oldest", [1, 2, 3])
async def test_the_age_is_that_of_the_oldest_owed_event_due_or_waiting(
    messaging: Messaging, reader: AsyncpgReader, oldest: int
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 3)
    await messaging.statements.rows(
        "UPDATE messaging.event SET occurred_at = now() - (4 - position) * interval '1 hour'"
    )
    await _set(messaging, "available_at = now() + interval '1 hour'", "position = 2")
    await _set(messaging, "dead_at = now()", f"position < {oldest}")

    [first] = await lag(reader)

    assert first.oldest_age is not None
    assert timedelta(seconds=round(first.oldest_age, -2)) == timedelta(hours=4 - oldest)


async def test_counts_end_at_the_bound_and_say_so(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 5)

    [bounded] = await lag(reader, counted=3)
    [full] = await lag(reader, counted=None)

    assert (bounded.owed, bounded.more) == (3, True)
    assert bounded.oldest_age is not None
    assert (full.owed, full.more) == (5, False)


async def test_the_last_delivery_is_that_of_any_event_type(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    await messaging.statements.rows(
        "INSERT INTO messaging.subscription (subscriber, event_type, strict, last_delivered_at)"
        " VALUES ('lab.first', 'lab.a', false, '2026-01-01Z'),"
        " ('lab.first', 'lab.b', false, '2026-02-01Z'), ('lab.first', 'lab.c', false, NULL)"
    )

    [first] = await lag(reader)

    assert first.last_delivered_at == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("analysed", ["while full", "while empty", "never"])
async def test_the_look_walks_the_due_and_the_dead_index(
    messaging: Messaging, analysed: str
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    if analysed == "while empty":
        await messaging.statements.rows("VACUUM ANALYZE messaging.delivery")
    await messaging.statements.rows(FILL)
    if analysed == "while full":
        await messaging.statements.rows("ANALYZE messaging.delivery")

    async with messaging.engine.connect() as connection:
        await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.exec_driver_sql(f"PREPARE lag (bigint) AS {LAG}")
        lines = await connection.exec_driver_sql("EXPLAIN (COSTS off) EXECUTE lag (10000)")
        plan = "\n".join(lines.scalars())
        await connection.exec_driver_sql("DEALLOCATE lag")
        await connection.rollback()

    assert plan.count("Index Only Scan using ix_delivery_due on delivery") == 2
    assert "Index Only Scan using ix_delivery_dead on delivery" in plan
    assert "Seq Scan on delivery" not in plan


async def _publish(messaging: Messaging, count: int) -> None:
    await messaging.publish(*(NumberDrawn(series="s", number=n + 1) for n in range(count)))


async def _set(messaging: Messaging, what: str, where: str) -> None:
    await messaging.statements.rows(f"UPDATE messaging.delivery SET {what} WHERE {where}")
