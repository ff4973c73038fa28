"""T3: a poisoned key delays only itself, and only in its own subscriber."""

from __future__ import annotations

import pytest

from app.shared.infrastructure.messaging.dead_letters import discard
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import Notebook, NumberDrawn, observer

EVENTS = [
    NumberDrawn(series=series, number=number) for number in (1, 2) for series in ("poison", "sound")
]


async def choke(event: NumberDrawn, _: Notebook) -> None:
    if event == NumberDrawn(series="poison", number=1):
        raise LookupError


async def test_a_poisoned_key_waits_alone(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(
        observer("lab.choking", before=choke), observer("lab.healthy"), draw=1_000
    )
    await messaging.publish(*EVENTS)

    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()

    assert await messaging.seen("lab.choking") == [("sound", 1), ("sound", 2)]
    assert sorted(await messaging.seen("lab.healthy")) == [
        ("poison", 1),
        ("poison", 2),
        ("sound", 1),
        ("sound", 2),
    ]


async def test_after_a_dead_letter_its_key_goes_on(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(
        observer("lab.choking", before=choke, max_attempts=1), draw=1_000
    )
    await messaging.publish(*EVENTS)

    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()
    await messaging.make_all_due()
    await dispatcher.drain()

    assert ("poison", 2) in await messaging.seen("lab.choking")
    assert await messaging.owed() == [("lab.choking", 1, 1, True)]


async def test_a_strict_dead_letter_holds_its_key_until_it_is_discarded(
    messaging: Messaging,
) -> None:
    dispatcher = await messaging.dispatcher(
        observer("lab.choking", before=choke, max_attempts=1, strict=True), draw=1_000
    )
    await messaging.publish(*EVENTS)
    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()
    await messaging.make_all_due()

    await dispatcher.drain()
    held = await messaging.seen("lab.choking")
    await discard(messaging.statements, 1, "lab.choking")
    await dispatcher.drain()

    assert held == [("sound", 1), ("sound", 2)]
    assert await messaging.seen("lab.choking") == [*held, ("poison", 2)]
    assert await messaging.owed() == []


async def test_a_long_blocked_key_leaves_the_front_of_the_queue(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.choking", before=choke), draw=1_000)
    await messaging.publish(*(NumberDrawn(series="poison", number=n) for n in range(1, 1_500)))
    await messaging.publish(NumberDrawn(series="sound", number=1))
    front = await messaging.statements.value("SELECT clock_timestamp()")

    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()

    assert await messaging.seen("lab.choking") == [("sound", 1)]
    left = await messaging.statements.value(
        "SELECT count(*) FROM messaging.delivery WHERE available_at <= $1", front
    )
    assert left == 0


async def test_the_next_delivery_of_a_key_is_due_as_soon_as_its_head_is_paid(
    messaging: Messaging, seen: Seen
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"), poll=3_600)
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in range(1, 30)))

    dispatcher.start()
    await seen.wait_for(29)
    await dispatcher.stop()

    assert await messaging.seen("lab.first") == [("s", number) for number in range(1, 30)]
