"""Events of other systems: stored under their own id, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.shared.application.event_bus import StoredEvent
from app.shared.domain.ids import new_id
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import observer


@pytest.fixture
def foreign() -> StoredEvent:
    return StoredEvent(
        id=new_id(),
        type="lab.number_drawn",
        version=1,
        key="s",
        payload='{"series": "s", "number": 1}',
        meta={"correlation_id": "elsewhere"},
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def test_a_received_event_is_stored_with_its_deliveries_and_delivered(
    messaging: Messaging, foreign: StoredEvent
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"), observer("lab.second"))

    new = await messaging.event_log.receive(messaging.statements, foreign)

    owed = await messaging.owed()
    await dispatcher.drain()
    assert new
    assert owed == [("lab.first", 1, 0, False), ("lab.second", 1, 0, False)]
    assert await messaging.seen("lab.second") == [("s", 1)]
    row = await messaging.statements.row("SELECT id, key, occurred_at, meta FROM messaging.event")
    assert row is not None
    assert (row["id"], row["key"], row["occurred_at"]) == (
        foreign.id,
        foreign.key,
        foreign.occurred_at,
    )


async def test_an_event_received_again_is_known(messaging: Messaging, foreign: StoredEvent) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.event_log.receive(messaging.statements, foreign)
    await dispatcher.drain()

    again = await messaging.event_log.receive(messaging.statements, foreign)

    assert not again
    assert await messaging.owed() == []
    assert await messaging.seen("lab.first") == [("s", 1)]


async def test_of_many_receptions_at_once_one_is_the_first(
    messaging: Messaging, foreign: StoredEvent
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    receive = messaging.event_log.receive

    results = await asyncio.gather(
        *(receive(messaging.statements, replace(foreign)) for _ in range(20))
    )

    assert sorted(results) == [False] * 19 + [True]
    assert await messaging.owed() == [("lab.first", 1, 0, False)]
