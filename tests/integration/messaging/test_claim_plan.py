"""The claim reads a queue of a million by its indexes, whatever PostgreSQL believes of its size."""

from __future__ import annotations

import re

from sqlalchemy.ext.asyncio import AsyncConnection

from app.shared.infrastructure.messaging.claiming import CLAIM, PIN_PLAN
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer

FILLS = 10
MOST_PAGES = 500
"""Twice what a claim of eight looks at, however much is owed; the backlog has thousands."""

FILL = """
-- A tenth of a million: of one subscriber, whose keys all have a long line.
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT uuidv7(), 'lab.number_drawn', 1, 's' || n % 500, '{}', '{}', now()
    FROM generate_series(1, 100000) AS n
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict)
SELECT position, 'lab.first', key, false FROM stored
"""
FILL_QUICKLY = "ALTER TABLE messaging.delivery DROP CONSTRAINT fk_delivery_position"
"""A million looks for what is certainly there take a third of the time."""

HOLD_BACK = """
-- Of five hundred keys let four have their first one due: who looks for more finds none.
UPDATE messaging.delivery SET available_at = now() + interval '1 hour'
WHERE position < (SELECT min(position) + 496 FROM messaging.delivery)
"""
FORGET = """
-- As if no ANALYZE had ever seen the tables.
SELECT pg_clear_relation_stats('messaging', relname::text),
    (SELECT count(pg_clear_attribute_stats('messaging', relname::text, attname::text, false))
     FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0)
FROM pg_class WHERE oid IN ('messaging.delivery'::regclass, 'messaging.event'::regclass)
"""
SEEN_EMPTY = """
-- As if the last ANALYZE had seen them empty.
SELECT pg_restore_relation_stats(
    'schemaname', 'messaging', 'relname', name, 'relpages', 1, 'reltuples', 0::real
) FROM unnest(ARRAY['delivery', 'event']) AS name
"""
SEEN_FULL = "ANALYZE messaging.delivery, messaging.event"
BELIEFS = {
    "never seen": (FORGET,),
    "seen when empty": (FORGET, SEEN_EMPTY),
    "seen when full": (SEEN_FULL,),
}

EXECUTE = "EXECUTE claim (ARRAY['lab.first'], ARRAY[8], ARRAY[4], ARRAY[8], 0)"
PAGES = re.compile(r"Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?")


async def test_a_claim_from_a_million_looks_at_few_pages_of_the_right_indexes(
    messaging: Messaging,
) -> None:
    """Planned anew, and by the plan that was made when there was next to nothing."""
    await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    await messaging.statements.rows("DELETE FROM messaging.delivery")
    await messaging.statements.rows("VACUUM ANALYZE messaging.delivery, messaging.event")

    plans = {}
    async with messaging.engine.connect() as connection:
        await connection.exec_driver_sql(FILL_QUICKLY)
        await _prepare(connection)
        for _ in range(FILLS):
            await connection.exec_driver_sql(FILL)
        await connection.exec_driver_sql(HOLD_BACK)
        plans["planned when empty"] = await _plan(connection)
        for belief, statements in BELIEFS.items():
            for statement in statements:
                await connection.exec_driver_sql(statement)
            plans[belief] = await _plan(connection)
        await connection.exec_driver_sql("DEALLOCATE claim")
        await connection.rollback()

    for belief, plan in plans.items():
        assert "using ix_delivery_due on delivery" in plan, belief
        assert "using ix_delivery_head on delivery line" in plan, belief
        assert "using pk_event on event" in plan, belief
        assert "Seq Scan on" not in plan, belief
        assert plan.count("Tid Scan on delivery") == 3, belief
        assert _pages(plan) < MOST_PAGES, plan


async def _prepare(connection: AsyncConnection) -> None:
    """For all of the transaction; the first execution plans it."""
    await connection.exec_driver_sql(
        "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)"
    )
    await connection.exec_driver_sql(PIN_PLAN)
    types = "text[], int[], float8[], int[], int"
    await connection.exec_driver_sql(f"PREPARE claim ({types}) AS {CLAIM}")
    await connection.exec_driver_sql(EXECUTE)


async def _plan(connection: AsyncConnection) -> str:
    """What a claim does, which is undone."""
    async with connection.begin_nested() as claim:
        lines = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, COSTS off) {EXECUTE}")
        plan = "\n".join(lines.scalars())
        await claim.rollback()
    return plan


def _pages(plan: str) -> int:
    """Those of the whole statement, which its first line has."""
    whole = PAGES.search(plan)
    assert whole
    return sum(int(count) for count in whole.groups() if count)
