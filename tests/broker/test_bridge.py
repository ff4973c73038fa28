"""Two event logs with a broker between them: nothing is lost, doubled or out of its order."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import nats
import pytest
from nats.js.api import RawStreamMsg
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.broker import Broker
from app.shared.application.event_bus import EventBus
from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.bridge import RELAY, Bridge
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.log import EventLog, register_subscriptions
from app.shared.infrastructure.statements import Statements
from app.shared.infrastructure.unit_of_work import open_session
from tests.broker.conftest import PREFIX, TYPE, broker_at, event, opened
from tests.broker.muted_way import MutedWay
from tests.broker.nats_server import NatsServer
from tests.e2e.gateway import Gateway
from tests.e2e.socket.server import eventually
from tests.integration.messaging.laboratory import NumberDrawn

SUBSCRIBE = (
    "INSERT INTO messaging.subscription (subscriber, event_type, strict) VALUES ($1, $2, $3)"
)
EVENTS = "SELECT * FROM messaging.event ORDER BY position"
OWED = "SELECT * FROM messaging.delivery ORDER BY position, subscriber"

WEEKS = 20_000
"""Attempts of an outage that lasts."""


class Service:
    """What a process has of messaging: its log, its bridge, its dispatcher; not yet connected."""

    def __init__(self, engine: AsyncEngine, statements: Statements, broker: Broker) -> None:
        self.engine = engine
        self.statements = statements
        self.broker = broker
        self.bell = Bell()
        self.codec = EventCodec([NumberDrawn])
        self.event_log = EventLog(self.codec)

    def bridge(self, **directions: tuple[str, ...]) -> Bridge:
        return Bridge(
            self.broker,
            self.event_log,
            self.statements,
            self.bell.ring,
            relays=directions.get("relays", ()),
            consumes=directions.get("consumes", ()),
            timeout=timedelta(minutes=1),
        )

    @asynccontextmanager
    async def running(self, **directions: tuple[str, ...]) -> AsyncIterator[None]:
        bridge = self.bridge(**directions)
        bus = EventBus(bridge.subscribers)
        await register_subscriptions(self.statements, bus)
        dispatcher = Dispatcher(
            self.engine, bus, self.codec, self.event_log, self.bell, poll=0.2, draw=lambda: 0.0
        )
        await bridge.start()
        dispatcher.start()
        try:
            yield
        finally:
            await dispatcher.stop()
            await bridge.stop()

    async def publish(self, *events: Event) -> None:
        async with open_session(self.engine) as session:
            await self.event_log.publish(session, events)
            await session.commit()
        self.bell.ring()

    async def events(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.statements.rows(EVENTS)]

    async def owed(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.statements.rows(OWED)]

    async def is_paid(self) -> bool:
        return not await self.owed()

    async def subscribe(self, subscriber: str) -> None:
        await self.statements.rows(SUBSCRIBE, subscriber, TYPE, False)


def numbers_by_key(messages: Sequence[RawStreamMsg]) -> dict[str, list[int]]:
    numbers = defaultdict(list)
    for message in messages:
        payload = json.loads(message.data or b"")
        numbers[payload["series"]].append(payload["number"])
    return dict(numbers)


@pytest.fixture
def service(engine: AsyncEngine, statements: Statements, nats_server: NatsServer) -> Service:
    return Service(engine, statements, broker_at(nats_server.url))


async def test_an_event_that_came_in_is_stored_as_it_was_and_owed_to_the_subscribers_here(
    service: Service, nats_server: NatsServer
) -> None:
    sent = event()
    await service.subscribe("lab.listener")

    async with opened(nats_server.url) as sender:
        await sender.publish(sent)
        async with service.running(consumes=(TYPE,)):
            await eventually(lambda: arrived(service, 1))

    [stored] = await service.events()
    assert (stored["id"], stored["type"], stored["version"]) == (sent.id, TYPE, 1)
    assert (stored["key"], stored["occurred_at"]) == (sent.key, sent.occurred_at)
    assert json.loads(stored["payload"]) == json.loads(sent.payload)
    assert json.loads(stored["meta"]) == sent.meta
    assert [owed["subscriber"] for owed in await service.owed()] == ["lab.listener"]


async def test_an_event_that_comes_in_again_is_not_stored_again_nor_owed_again(
    service: Service, nats_server: NatsServer
) -> None:
    sent = [event(number) for number in range(5)]
    await service.subscribe("lab.listener")
    async with opened(nats_server.url) as sender:
        for one in sent:
            await sender.publish(one)
    async with service.running(consumes=(TYPE,)):
        await eventually(lambda: arrived(service, 5))
    await service.statements.rows("DELETE FROM messaging.delivery")

    async with nats_server.client() as jetstream:
        await jetstream.delete_consumer("events", "billing")
    last = event(5)
    async with opened(nats_server.url) as sender:
        await sender.publish(last)
    async with service.running(consumes=(TYPE,)):
        await eventually(lambda: arrived(service, 6))

    assert [stored["id"] for stored in await service.events()] == [one.id for one in (*sent, last)]
    assert len(await service.owed()) == 1


async def test_while_the_database_is_away_what_comes_in_waits_in_its_order(
    service: Service, database: str, nats_server: NatsServer
) -> None:
    gateway = Gateway(database)
    await gateway.open()
    cut_off = Statements(gateway.url, pool_size=2, pool_timeout=1)
    bridge = Service(service.engine, cut_off, service.broker).bridge(consumes=(TYPE,))
    sent = [event(number) for number in range(20)]

    await bridge.start()
    async with opened(nats_server.url) as sender:
        for number, one in enumerate(sent):
            await sender.publish(one)
            if number == 10:
                await gateway.cut()
    await gateway.open()
    await eventually(lambda: arrived(service, 20))
    await bridge.stop()

    assert [stored["id"] for stored in await service.events()] == [one.id for one in sent]
    await cut_off.close()
    await gateway.cut()


async def test_what_postgresql_cannot_store_is_given_up_and_nothing_waits_for_it(
    service: Service, nats_server: NatsServer
) -> None:
    unstorable = [event(payload='{"text": "\\u0000"}'), event(payload='{"text": "\\ud800"}')]
    after = event()

    async with opened(nats_server.url) as sender:
        for one in (*unstorable, after):
            await sender.publish(one)
        async with service.running(consumes=(TYPE,)):
            await eventually(lambda: arrived(service, 1))

    assert [stored["id"] for stored in await service.events()] == [after.id]


async def test_what_came_in_does_not_go_out_again(
    service: Service, nats_server: NatsServer
) -> None:
    """Not even where a relay of its type is left from the time when it was published here."""
    await service.subscribe(RELAY)

    async with await nats.connect(nats_server.url) as listener:
        # Past the stream, which would drop what it stored before.
        heard = await listener.subscribe(f"{PREFIX}.>")
        await listener.flush()
        async with opened(nats_server.url) as sender:
            await sender.publish(event())
        async with service.running(consumes=(TYPE,), relays=("lab.something_else",)):
            await eventually(lambda: arrived(service, 1))
            await eventually(service.is_paid)
        await listener.flush()

    assert heard.pending_msgs == 1


async def test_whatever_becomes_of_the_broker_every_event_goes_out_once_and_in_its_order(
    engine: AsyncEngine, statements: Statements, nats_server: NatsServer
) -> None:
    service = Service(engine, statements, broker_at(nats_server.url, timeout=1.0))

    async with service.running(relays=(TYPE,)):
        for number in range(60):
            await service.publish(
                *(NumberDrawn(series=f"s{key}", number=number) for key in range(5))
            )
            if number in (15, 40):
                await nats_server.restart()
        await eventually(service.is_paid, within=120)

    assert numbers_by_key(await nats_server.stored()) == {
        f"s{key}": list(range(60)) for key in range(5)
    }


async def test_an_event_whose_acknowledgement_was_lost_is_owed_until_one_comes(
    engine: AsyncEngine, statements: Statements, nats_server: NatsServer
) -> None:
    way = MutedWay(nats_server.port)
    async with way.open():
        service = Service(engine, statements, broker_at(way.url, timeout=0.3))

        async def has_failed() -> bool:
            return any(owed["attempts"] > 1 for owed in await service.owed())

        async def is_stored() -> bool:
            return len(await nats_server.stored()) == 2

        async with service.running(relays=(TYPE,)):
            await service.publish(NumberDrawn(series="s", number=1))
            await eventually(service.is_paid)
            way.muted = True
            await service.publish(NumberDrawn(series="s", number=2))
            await eventually(has_failed)
            await eventually(is_stored)
            owed = await service.owed()
            way.muted = False
            await eventually(service.is_paid)

    assert [one["position"] for one in owed] == [2]
    assert numbers_by_key(await nats_server.stored()) == {"s": [1, 2]}


async def test_an_outage_of_the_broker_makes_no_dead_letter_and_lets_nothing_overtake(
    engine: AsyncEngine, statements: Statements, nats_server: NatsServer
) -> None:
    nats_server.kill()
    service = Service(engine, statements, broker_at(nats_server.url, timeout=0.1))

    async def has_failed() -> bool:
        return any(owed["attempts"] > WEEKS + 1 for owed in await service.owed())

    async with service.running(relays=(TYPE,)):
        """From now on events of the type are owed to the relay."""
    await service.publish(*(NumberDrawn(series="s", number=n) for n in range(3)))
    await statements.rows("UPDATE messaging.delivery SET attempts = $1 WHERE position = 1", WEEKS)
    async with service.running(relays=(TYPE,)):
        await eventually(has_failed)
        owed = await service.owed()
        await nats_server.start()
        await eventually(service.is_paid)

    assert [one["dead_at"] for one in owed] == [None] * 3
    assert "NotStoredError" in owed[0]["last_error"]
    assert numbers_by_key(await nats_server.stored()) == {"s": [0, 1, 2]}


async def arrived(service: Service, count: int) -> bool:
    return len(await service.events()) == count
