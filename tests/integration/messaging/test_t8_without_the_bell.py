"""T8: the bell is only a hint; what nobody rang for is found by asking."""

from __future__ import annotations

from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import NumberDrawn, observer

INSERT = """
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    VALUES (gen_random_uuid(), 'lab.number_drawn', 1, 's', '{"series": "s", "number": 1}',
        '{}', now())
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict)
SELECT position, 'lab.first', key, false FROM stored
"""


async def test_an_event_that_nobody_rang_for_is_found_by_asking(
    messaging: Messaging, seen: Seen
) -> None:
    dispatcher = await start_waiting(messaging, seen)

    await messaging.publish(NumberDrawn(series="s", number=1), ring=False)
    await seen.wait_for(2)
    await dispatcher.stop()

    assert await messaging.seen("lab.first") == [("before", 0), ("s", 1)]


async def test_an_event_stored_by_plain_sql_is_delivered(messaging: Messaging, seen: Seen) -> None:
    dispatcher = await start_waiting(messaging, seen)

    await messaging.statements.rows(INSERT)
    await seen.wait_for(2)
    await dispatcher.stop()

    assert await messaging.seen("lab.first") == [("before", 0), ("s", 1)]


async def test_the_bell_spares_the_wait(messaging: Messaging, seen: Seen) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"), poll=3_600)
    dispatcher.start()
    await messaging.publish(NumberDrawn(series="s", number=1))
    await seen.wait_for(1)

    await messaging.publish(NumberDrawn(series="s", number=2))
    await seen.wait_for(2)
    await dispatcher.stop()

    assert await messaging.seen("lab.first") == [("s", 1), ("s", 2)]


async def start_waiting(messaging: Messaging, seen: Seen) -> Dispatcher:
    """A dispatcher whose first claim is over: whatever comes now is found by another."""
    dispatcher = await messaging.dispatcher(observer("lab.first"), poll=0.05)
    await messaging.publish(NumberDrawn(series="before", number=0), ring=False)
    dispatcher.start()
    await seen.wait_for(1)
    return dispatcher
