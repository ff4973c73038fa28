"""T2: one failing subscriber retries alone, with growing delay, dies, and can be revived."""

from __future__ import annotations

import pytest

from app.shared.infrastructure.messaging.dead_letters import discard, revive
from app.shared.infrastructure.messaging.delivering import BACK_OFF
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import Notebook, NumberDrawn, observer


class Fault:
    """Fails while it is there."""

    def __init__(self) -> None:
        self.there = True
        self.runs = 0

    async def __call__(self, _: NumberDrawn, __: Notebook) -> None:
        self.runs += 1
        if self.there:
            raise LookupError("somebody@example.org")


async def test_a_failing_subscriber_retries_alone_and_dies(messaging: Messaging) -> None:
    fault = Fault()
    failing = observer("lab.second", before=fault, max_attempts=3)
    dispatcher = await messaging.dispatcher(
        observer("lab.first"), failing, observer("lab.third"), draw=1_000
    )
    await messaging.publish(NumberDrawn(series="s", number=1))

    waits, owed = [], []
    for _ in range(3):
        with pytest.RaisesGroup(LookupError):
            await dispatcher.drain()
        waits.append(await _wait(messaging))
        owed = await messaging.owed()
        await messaging.make_all_due()
    await dispatcher.drain()

    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.seen("lab.third") == [("s", 1)]
    assert owed == await messaging.owed() == [("lab.second", 1, 3, True)]
    assert fault.runs == 3
    assert [round(wait / 1_000 / BACK_OFF) for wait in waits] == [1, 2, 4]


async def test_a_revived_delivery_is_tried_again(messaging: Messaging) -> None:
    fault = Fault()
    dispatcher = await messaging.dispatcher(observer("lab.first", before=fault, max_attempts=1))
    await messaging.publish(NumberDrawn(series="s", number=1))
    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()
    fault.there = False

    revived = await revive(messaging.statements, 1, "lab.first")
    await dispatcher.drain()

    assert revived
    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.owed() == []


async def test_a_discarded_delivery_is_owed_no_longer(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", before=Fault(), max_attempts=1))
    await messaging.publish(NumberDrawn(series="s", number=1))
    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()

    discarded = await discard(messaging.statements, 1, "lab.first")

    assert discarded
    assert await messaging.owed() == []


async def test_only_a_dead_letter_can_be_revived_or_discarded(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))

    revived = await revive(messaging.statements, 1, "lab.first")
    discarded = await discard(messaging.statements, 1, "lab.first")

    assert (revived, discarded) == (False, False)
    assert await messaging.owed() == [("lab.first", 1, 0, False)]


async def test_a_stored_error_has_no_message(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", before=Fault()), draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()

    stored = await messaging.statements.value("SELECT last_error FROM messaging.delivery")
    assert stored.startswith("LookupError in __call__, line ")
    assert "example.org" not in stored


async def test_an_attempt_counts_before_it_runs(messaging: Messaging) -> None:
    """Or an event that kills its process would be tried for ever."""
    attempts = []

    async def look(*_: object) -> None:
        attempts.extend(await messaging.owed())

    dispatcher = await messaging.dispatcher(observer("lab.first", before=look))
    await messaging.publish(NumberDrawn(series="s", number=1))

    await dispatcher.drain()

    assert attempts == [("lab.first", 1, 1, False)]


async def test_a_delivery_whose_attempts_never_ended_dies_when_claimed(
    messaging: Messaging,
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    await messaging.statements.rows("UPDATE messaging.delivery SET attempts = 8")

    await dispatcher.drain()

    assert await messaging.owed() == [("lab.first", 1, 8, True)]
    assert await messaging.seen("lab.first") == []


async def _wait(messaging: Messaging) -> float:
    return float(
        await messaging.statements.value(
            "SELECT extract(epoch FROM available_at - now()) FROM messaging.delivery"
        )
    )
