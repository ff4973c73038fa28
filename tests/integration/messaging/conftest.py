"""The laboratory's tables, and messaging as a process has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.event_bus import EventBus, Subscriber
from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.log import EventLog, register_subscriptions
from app.shared.infrastructure.statements import Statements
from app.shared.infrastructure.unit_of_work import open_session
from tests.integration.messaging.laboratory import SCHEMA, CounterUnitOfWork, NumberDrawn


@dataclass
class Messaging:
    """Publishing and dispatching of one process, and a look into the tables."""

    engine: AsyncEngine
    statements: Statements
    codec: EventCodec
    event_log: EventLog
    bell: Bell
    dispatchers: list[Dispatcher] = field(default_factory=list)

    async def dispatcher(
        self,
        *subscribers: Subscriber,
        concurrency: int = 8,
        poll: float = 5.0,
        draw: float = 0.0,
        codec: EventCodec | None = None,
        engine: AsyncEngine | None = None,
    ) -> Dispatcher:
        """A dispatcher whose subscribers are registered; a back-off waits `draw` of its longest."""
        bus = EventBus(subscribers)
        await register_subscriptions(self.statements, bus)
        dispatcher = Dispatcher(
            engine or self.engine,
            bus,
            codec or self.codec,
            self.event_log,
            self.bell,
            concurrency=concurrency,
            poll=poll,
            draw=lambda: draw,
        )
        self.dispatchers.append(dispatcher)
        return dispatcher

    async def publish(self, *events: Event, ring: bool = True) -> None:
        async with open_session(self.engine) as session:
            await self.event_log.publish(session, events)
            await session.commit()
        if ring:
            self.bell.ring()

    def counters(self) -> CounterUnitOfWork:
        return CounterUnitOfWork(self.engine, self.event_log.publish, self.bell.ring)

    async def seen(self, subscriber: str) -> list[tuple[str, int]]:
        """The series and numbers that it noted, in the order in which it did."""
        rows = await self.statements.rows(
            "SELECT series, number FROM lab.seen WHERE subscriber = $1 ORDER BY nth", subscriber
        )
        return [(row["series"], row["number"]) for row in rows]

    async def owed(self) -> list[tuple[str, int, int, bool]]:
        """Subscriber, position, attempts and whether it is dead, of every delivery."""
        rows = await self.statements.rows(
            "SELECT subscriber, position, attempts, dead_at IS NOT NULL AS dead"
            " FROM messaging.delivery ORDER BY subscriber, position"
        )
        return [(row["subscriber"], row["position"], row["attempts"], row["dead"]) for row in rows]

    async def make_all_due(self) -> None:
        await self.statements.rows("UPDATE messaging.delivery SET available_at = now()")


class Seen:
    """Hears of every note that subscribers of any process committed."""

    def __init__(self) -> None:
        self.count = 0
        self._heard = asyncio.Event()

    async def wait_for(self, count: int, *, within: float = 120.0) -> None:
        async with asyncio.timeout(within):
            while self.count < count:
                self._heard.clear()
                await self._heard.wait()

    def hear(self, *_: object) -> None:
        self.count += 1
        self._heard.set()


@pytest.fixture(scope="package", autouse=True)
async def laboratory(database_url: str) -> AsyncIterator[None]:
    connection = await _connect(database_url)
    await connection.execute(SCHEMA)
    yield
    await connection.execute("DROP SCHEMA lab CASCADE")
    await connection.close()


@pytest.fixture
async def messaging(engine: AsyncEngine, statements: Statements) -> AsyncIterator[Messaging]:
    """A dispatcher that a failed test left running ends with it."""
    codec = EventCodec([NumberDrawn])
    messaging = Messaging(engine, statements, codec, EventLog(codec), Bell())
    yield messaging
    for dispatcher in messaging.dispatchers:
        await dispatcher.stop(grace=0)


@pytest.fixture
async def seen(database: str) -> AsyncIterator[Seen]:
    connection = await _connect(database)
    seen = Seen()
    await connection.add_listener("seen", seen.hear)
    yield seen
    await connection.remove_listener("seen", seen.hear)
    await connection.close()


async def _connect(url: str) -> asyncpg.Connection[asyncpg.Record]:
    plain = make_url(url).set(drivername="postgresql")
    return await asyncpg.connect(plain.render_as_string(hide_password=False))
