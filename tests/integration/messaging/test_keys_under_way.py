"""What becomes of a key while a later delivery of it is under way, and after one of it died."""

from __future__ import annotations

import asyncio

import pytest

from app.shared.infrastructure.messaging.dead_letters import discard
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, Outside, caller, observer

KILL = "UPDATE messaging.delivery SET dead_at = now() WHERE position = 1"
REVIVE = "UPDATE messaging.delivery SET dead_at = NULL WHERE position = 1"


async def test_to_discard_a_dead_letter_ends_no_lease(messaging: Messaging) -> None:
    """Or two processes would send the same mail."""
    outside = Outside()
    here = await messaging.dispatcher(caller("lab.mail", outside))
    there = await messaging.dispatcher(caller("lab.mail", outside))
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in (1, 2)))
    await messaging.statements.rows(KILL)
    second = await here._claiming.claim({"lab.mail": 1})

    discarded = await discard(messaging.statements, 1, "lab.mail")
    await there.drain()
    await here._delivering.deliver(second.deliveries)

    assert discarded
    assert outside.calls == [("s", 2)]
    assert await messaging.owed() == []


async def test_to_pay_for_a_revived_dead_letter_ends_no_lease(messaging: Messaging) -> None:
    outside = Outside()
    here = await messaging.dispatcher(caller("lab.mail", outside))
    there = await messaging.dispatcher(caller("lab.mail", outside))
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in (1, 2)))
    await messaging.statements.rows(KILL)
    second = await here._claiming.claim({"lab.mail": 1})
    await messaging.statements.rows(REVIVE)

    await there.drain()
    await here._delivering.deliver(second.deliveries)

    assert outside.calls == [("s", 1), ("s", 2)]
    assert await messaging.owed() == []


async def test_to_pay_for_a_revived_dead_letter_waits_for_no_later_one(
    messaging: Messaging,
) -> None:
    """Or the two would wait for each other's rows, and one be rolled back for it."""
    started, go = asyncio.Event(), asyncio.Event()

    async def hold(event: NumberDrawn, *_: object) -> None:
        if event.number == 2:
            started.set()
            await go.wait()

    here = await messaging.dispatcher(observer("lab.first", before=hold))
    there = await messaging.dispatcher(observer("lab.first", before=hold))
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in (1, 2)))
    await messaging.statements.rows(KILL)
    second = asyncio.create_task(here.drain())
    await started.wait()
    await messaging.statements.rows(REVIVE)

    try:
        async with asyncio.timeout(60):
            await there.drain()
        meanwhile = await messaging.seen("lab.first")
    finally:
        go.set()
        await second

    assert meanwhile == [("s", 1)]
    assert await messaging.seen("lab.first") == [("s", 1), ("s", 2)]
    assert await messaging.owed() == []


@pytest.mark.parametrize(("strict", "seen"), [(False, [("s", 1), ("s", 3)]), (True, [("s", 1)])])
async def test_what_a_dead_letter_does_not_hold_back_is_due_at_once(
    messaging: Messaging, strict: bool, seen: list[tuple[str, int]]
) -> None:
    """However far a claim has moved it out of the way."""

    async def fail(event: NumberDrawn, *_: object) -> None:
        if event.number == 2:
            raise LookupError

    reaction = observer("lab.first", before=fail, strict=strict, max_attempts=1)
    dispatcher = await messaging.dispatcher(reaction)
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in (1, 2, 3)))
    claim = await dispatcher._claiming.claim({"lab.first": 3})

    await dispatcher._delivering.deliver(claim.deliveries)
    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()

    assert claim.deferred == 2
    assert await messaging.seen("lab.first") == seen
