"""Retry and Discard: what a handler that knows better asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from app.shared.application.event_bus import Discard, Effect, Reaction, Retry
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, Outside, caller, observer

SERIES = [NumberDrawn(series="s", number=number) for number in (1, 2)]


async def later(*_: object) -> None:
    raise Retry(after=timedelta(hours=1))


async def discard_the_first(event: NumberDrawn, *_: object) -> None:
    if event.number == 1:
        raise Discard("the account is gone")


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as lines:
        yield lines


@pytest.mark.parametrize(
    "subscriber",
    [observer("lab.first", after=later), caller("lab.first", Outside(), after=later)],
    ids=["reaction", "effect"],
)
async def test_a_retry_is_due_exactly_when_the_handler_said(
    messaging: Messaging, subscriber: Reaction | Effect
) -> None:
    dispatcher = await messaging.dispatcher(subscriber, draw=0.0)
    await messaging.publish(NumberDrawn(series="s", number=1))
    before = await messaging.statements.value("SELECT clock_timestamp()")

    with pytest.RaisesGroup(Retry):
        await dispatcher.drain()

    row = await messaging.statements.row(
        "SELECT clock_timestamp() AS after, available_at FROM messaging.delivery"
    )
    assert row is not None
    wait = timedelta(hours=1)
    assert before + wait <= row["available_at"] <= row["after"] + wait
    assert await messaging.owed() == [("lab.first", 1, 1, False)]
    assert await messaging.seen("lab.first") == []


async def test_a_retry_counts_and_the_last_one_is_a_dead_letter(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", before=later, max_attempts=2))
    await messaging.publish(NumberDrawn(series="s", number=1))

    for _ in range(2):
        with pytest.RaisesGroup(Retry):
            await dispatcher.drain()
        await messaging.make_all_due()

    assert await messaging.owed() == [("lab.first", 1, 2, True)]


async def test_what_a_discarding_reaction_did_is_undone_and_its_key_goes_on(
    messaging: Messaging,
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", after=discard_the_first))
    await messaging.publish(*SERIES)

    await dispatcher.drain()

    assert await messaging.seen("lab.first") == [("s", 2)]
    assert await messaging.owed() == []
    assert dict(dispatcher.outcomes) == {("lab.first", "discarded"): 1, ("lab.first", "paid"): 1}


async def test_what_an_effect_discards_is_owed_no_longer_and_its_key_goes_on(
    messaging: Messaging,
) -> None:
    outside = Outside()
    dispatcher = await messaging.dispatcher(caller("lab.mail", outside, before=discard_the_first))
    await messaging.publish(*SERIES)

    await dispatcher.drain()

    assert outside.calls == [("s", 2)]
    assert await messaging.owed() == []
    assert dict(dispatcher.outcomes) == {("lab.mail", "discarded"): 1, ("lab.mail", "paid"): 1}


async def test_the_log_says_why_a_delivery_was_discarded(
    messaging: Messaging, logs: list[EventDict]
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", after=discard_the_first))
    await messaging.publish(SERIES[0])

    await dispatcher.drain()

    [line] = [line for line in logs if line["event"] == "delivery discarded"]
    event_id = await messaging.statements.value("SELECT id::text FROM messaging.event")
    assert line["reason"] == "the account is gone"
    assert (line["subscriber"], line["event_id"]) == ("lab.first", event_id)
