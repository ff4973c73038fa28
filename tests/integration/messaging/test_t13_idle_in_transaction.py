"""T13: a transaction that somebody left open holds back what it holds, and nothing else."""

from __future__ import annotations

from app.shared.infrastructure.unit_of_work import open_session
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import NumberDrawn, observer

HOLD = """
SELECT delivery.position FROM messaging.delivery JOIN messaging.event USING (position)
WHERE event.key = 'held' FOR UPDATE
"""
IDLE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xid IS NOT NULL
"""


async def test_an_idle_transaction_elsewhere_does_not_stop_deliveries(
    messaging: Messaging, seen: Seen
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"), poll=0.05)
    await messaging.publish(NumberDrawn(series="held", number=1), ring=False)

    async with open_session(messaging.engine) as idle:
        await (await idle.connection()).exec_driver_sql(HOLD)
        await messaging.event_log.publish(idle, [NumberDrawn(series="not committed", number=1)])
        left_open = await messaging.statements.value(IDLE)
        dispatcher.start()
        for number in range(1, 101):
            await messaging.publish(
                *(NumberDrawn(series=f"s{n}", number=number) for n in range(3)),
                NumberDrawn(series="held", number=number + 1),
            )
        await seen.wait_for(300)
        meanwhile = await messaging.seen("lab.first")
        await idle.commit()
    await seen.wait_for(300 + 101 + 1)
    await dispatcher.stop()

    assert left_open == 1
    assert {series for series, _ in meanwhile} == {"s0", "s1", "s2"}
    numbers = [number for series, number in await messaging.seen("lab.first") if series == "held"]
    assert numbers == list(range(1, 102))
    assert await messaging.owed() == []
