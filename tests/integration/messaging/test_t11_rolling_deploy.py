"""T11: older and newer processes share one database, and neither harms what the other needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from app.shared.application.event_bus import Reaction
from app.shared.domain.event import Event, Upcaster
from app.shared.infrastructure.messaging.codec import EventCodec
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer


def by_nobody(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"drawn_by": "nobody"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDrawnBySomebody(NumberDrawn):
    """The event as the newer code has it."""

    name: ClassVar[str] = "lab.number_drawn"
    version: ClassVar[int] = 2
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: by_nobody}

    drawn_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRead(Event):
    """Another event that both know."""

    name: ClassVar[str] = "lab.number_read"

    series: str
    number: int


OLDER = EventCodec([NumberDrawn, NumberRead])
NEWER = EventCodec([NumberDrawnBySomebody, NumberRead])


@pytest.fixture
def heard() -> list[Event]:
    """What the newer subscriber was given."""
    return []


@pytest.fixture
def newer_observer(heard: list[Event]) -> Reaction:
    async def hear(event: NumberDrawn, *_: object) -> None:
        heard.append(event)

    return replace(observer("lab.first", before=hear), event=NumberDrawnBySomebody)


async def test_a_newer_version_costs_an_older_process_no_attempt_and_a_newer_one_delivers_it(
    messaging: Messaging, heard: list[Event], newer_observer: Reaction
) -> None:
    older = await messaging.dispatcher(observer("lab.first"), codec=OLDER)
    newer = await messaging.dispatcher(newer_observer, codec=NEWER)
    event = NumberDrawnBySomebody(series="s", number=1, drawn_by="somebody")
    await messaging.publish(event)

    for _ in range(observer("lab.first").max_attempts + 1):
        await older.drain()
        await messaging.make_all_due()
    released = await messaging.owed()
    await newer.drain()

    assert released == [("lab.first", 1, 0, False)]
    assert heard == [event]
    assert await messaging.owed() == []


async def test_an_event_without_a_class_is_left_to_a_newer_process(messaging: Messaging) -> None:
    older = await messaging.dispatcher(observer("lab.first"), codec=EventCodec([]))
    newer = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))

    await older.drain()
    released = await messaging.owed()
    await messaging.make_all_due()
    await newer.drain()

    assert released == [("lab.first", 1, 0, False)]
    assert await messaging.seen("lab.first") == [("s", 1)]


async def test_an_earlier_version_in_the_log_reaches_a_newer_process_as_its_own(
    messaging: Messaging, heard: list[Event], newer_observer: Reaction
) -> None:
    newer = await messaging.dispatcher(newer_observer, codec=NEWER)
    await messaging.publish(NumberDrawn(series="s", number=1))

    await newer.drain()

    assert heard == [NumberDrawnBySomebody(series="s", number=1, drawn_by="nobody")]
    assert await messaging.seen("lab.first") == [("s", 1)]


async def test_a_subscriber_of_a_newer_process_is_owed_what_an_older_one_publishes(
    messaging: Messaging,
) -> None:
    older = await messaging.dispatcher(observer("lab.first"), codec=OLDER)
    newer = await messaging.dispatcher(observer("lab.first"), observer("lab.added"), codec=OLDER)
    await messaging.publish(NumberDrawn(series="s", number=1))

    await older.drain()
    owed = await messaging.owed()
    await newer.drain()

    assert owed == [("lab.added", 1, 0, False)]
    assert await messaging.seen("lab.added") == [("s", 1)]


async def test_an_event_that_only_the_newer_subscriber_takes_is_left_to_its_process(
    messaging: Messaging,
) -> None:
    older = await messaging.dispatcher(observer("lab.first"), codec=OLDER)
    moved = replace(observer("lab.first"), event=NumberRead)
    newer = await messaging.dispatcher(moved, codec=NEWER)
    await messaging.publish(NumberRead(series="s", number=1))

    await older.drain()
    released, mistaken = await messaging.owed(), await messaging.seen("lab.first")
    await messaging.make_all_due()
    await newer.drain()

    assert released == [("lab.first", 1, 0, False)]
    assert mistaken == []
    assert await messaging.seen("lab.first") == [("s", 1)]
