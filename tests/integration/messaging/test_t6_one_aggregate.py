"""T6: the events of one aggregate are delivered in the order of its versions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.shared.domain.event import Event
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import Counter, CounterUnitOfWork, observer

UPDATES = 500
AT_ONCE = 10
"""Transactions that compete; each holds a connection while it waits for the aggregate."""


async def test_concurrent_updates_of_one_aggregate_are_delivered_in_version_order(
    messaging: Messaging, seen: Seen
) -> None:
    """They lock the aggregate themselves; that one who does not is locked too, the next test shows.

    Here it is the queue that must keep the order in which they committed.
    """
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    counter = Counter(id=uuid4())
    async with messaging.counters() as uow:
        uow.session.add(counter)
        await uow.commit()
    turn = asyncio.Semaphore(AT_ONCE)

    async def update() -> None:
        async with turn, messaging.counters() as uow:
            mine = await uow.session.get_one(Counter, counter.id, with_for_update=True)
            mine.draw()
            await uow.commit()

    dispatcher.start()
    await asyncio.gather(*(update() for _ in range(UPDATES)))
    await seen.wait_for(UPDATES)
    await dispatcher.stop()

    numbers = [number for _, number in await messaging.seen("lab.first")]
    assert numbers == list(range(1, UPDATES + 1))
    assert await messaging.owed() == []


async def test_an_aggregate_is_locked_before_its_events_are_numbered(
    messaging: Messaging,
) -> None:
    """Or a transaction that began to publish first could commit last, with lower positions."""
    counter = Counter(id=uuid4())
    async with messaging.counters() as uow:
        uow.session.add(counter)
        await uow.commit()
    free: list[UUID] = []

    async def look(_: AsyncSession, __: Sequence[Event]) -> None:
        async with messaging.engine.connect() as other:
            rows = await other.execute(text("SELECT id FROM lab.counter FOR UPDATE SKIP LOCKED"))
            free.extend(rows.scalars())

    async with CounterUnitOfWork(messaging.engine, look, messaging.bell.ring) as uow:
        mine = await uow.session.get_one(Counter, counter.id)
        mine.draw()
        await uow.commit()

    assert free == []
