"""The claim reads the queue by its two indexes, whatever PostgreSQL believes about its size."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.shared.infrastructure.messaging.claiming import CLAIM, PIN_PLAN
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer

FILL = """
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT gen_random_uuid(), 'lab.number_drawn', 1, 's' || n % 500, '{}', '{}', now()
    FROM generate_series(1, 5000) AS n
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict)
SELECT position, 'lab.first', key, false FROM stored
"""
EXECUTE = "EXPLAIN (COSTS off) EXECUTE claim (ARRAY['lab.first'], ARRAY[8], ARRAY[4], ARRAY[8], 0)"


@pytest.mark.parametrize("analysed", ["while full", "while empty", "never"])
async def test_the_claim_uses_the_due_and_the_head_index(
    messaging: Messaging, analysed: str
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    if analysed == "while empty":
        await messaging.publish(NumberDrawn(series="s", number=1))
        await messaging.statements.rows("DELETE FROM messaging.delivery")
        await messaging.statements.rows("VACUUM ANALYZE messaging.delivery")
    await messaging.statements.rows(FILL)
    if analysed == "while full":
        await messaging.statements.rows("ANALYZE messaging.delivery")

    async with messaging.engine.connect() as connection:
        plan = await _plan(connection)
        await connection.rollback()

    assert "using ix_delivery_due on delivery" in plan
    assert "using ix_delivery_head on delivery line" in plan
    assert "Seq Scan on delivery" not in plan
    assert plan.count("Tid Scan on delivery") == 3


async def _plan(connection: AsyncConnection) -> str:
    await connection.exec_driver_sql(
        "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)"
    )
    await connection.exec_driver_sql(PIN_PLAN)
    types = "text[], int[], float8[], int[], int"
    await connection.exec_driver_sql(f"PREPARE claim ({types}) AS {CLAIM}")
    lines = await connection.exec_driver_sql(EXECUTE)
    plan = "\n".join(lines.scalars())
    await connection.exec_driver_sql("DEALLOCATE claim")
    return plan
