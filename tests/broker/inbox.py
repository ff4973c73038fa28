"""Whoever consumes in a test: keeps what arrives, or fails as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.shared.application.broker import Broker
from app.shared.application.event_bus import StoredEvent
from tests.broker.conftest import TYPE


class Inbox:
    """Keeps events in the order in which it got them, again and again what comes again."""

    def __init__(self, refuse: Callable[[StoredEvent], None] = lambda _: None) -> None:
        self.events: list[StoredEvent] = []
        self._refuse = refuse
        self._kept = asyncio.Condition()

    async def receive(self, event: StoredEvent) -> None:
        self._refuse(event)
        async with self._kept:
            self.events.append(event)
            self._kept.notify_all()

    async def has(self, count: int, *, within: float = 60.0) -> None:
        """Returns once there are so many."""
        async with asyncio.timeout(within), self._kept:
            await self._kept.wait_for(lambda: len(self.events) >= count)


@asynccontextmanager
async def consuming(broker: Broker, inbox: Inbox, *types: str) -> AsyncIterator[None]:
    task = asyncio.create_task(broker.consume(types or (TYPE,), inbox.receive))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=60)
        assert task.done()
