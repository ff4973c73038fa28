"""What is published to a real NATS server is stored before it counts, and once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from app.shared.application.broker import NotStoredError
from app.shared.application.event_bus import StoredEvent
from app.shared.infrastructure.nats.broker import NatsJetStreamBroker
from app.shared.infrastructure.nats.connection import NatsConnection
from tests.broker.conftest import PREFIX, TYPE, broker_at, event, opened
from tests.broker.muted_way import MutedWay
from tests.broker.nats_server import STREAM, NatsServer, StartNats
from tests.e2e.socket.server import eventually, free_port

ODD = "p%ss/w@rd?"
ENCODED = "p%25ss%2Fw%40rd%3F"


async def published(broker: NatsJetStreamBroker, one: StoredEvent | None = None) -> bool:
    """Whether it can be done now."""
    try:
        await broker.publish(one or event())
    except NotStoredError:
        return False
    return True


async def stored_ids(server: NatsServer) -> list[str]:
    return [(message.headers or {})["Nats-Msg-Id"] for message in await server.stored()]


async def test_what_was_published_outlives_the_server(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    await broker.publish(event())

    await nats_server.restart()

    assert [message.subject for message in await nats_server.stored()] == [f"{PREFIX}.{TYPE}"]


async def test_an_event_that_is_published_again_is_stored_once(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    twice = event()

    await broker.publish(twice)
    await broker.publish(twice)

    assert len(await nats_server.stored()) == 1


async def test_an_event_whose_acknowledgement_was_lost_is_not_published_yet_and_stored_once(
    nats_server: NatsServer,
) -> None:
    way = MutedWay(nats_server.port)
    lost = event()

    async def is_stored() -> bool:
        return str(lost.id) in await stored_ids(nats_server)

    async with way.open(), opened(way.url, timeout=0.5) as broker:
        await eventually(lambda: published(broker))
        way.muted = True
        with pytest.raises(NotStoredError, match="Timeout"):
            await broker.publish(lost)
        await eventually(is_stored)
        way.muted = False
        await eventually(lambda: published(broker, lost))

    assert (await stored_ids(nats_server)).count(str(lost.id)) == 1


async def test_while_the_broker_is_away_publishing_fails_and_leaves_nothing_behind(
    nats_server: NatsServer,
) -> None:
    meanwhile = [event() for _ in range(10)]

    async with opened(nats_server.url, timeout=0.2) as broker:
        await eventually(lambda: published(broker))
        nats_server.kill()
        passed = [await published(broker, one) for one in meanwhile]
        await nats_server.start()
        await eventually(lambda: published(broker))

    assert not any(passed)
    behind_our_back = {str(one.id) for one in meanwhile} & {*await stored_ids(nats_server)}
    assert behind_our_back == set()


async def test_who_publishes_while_the_broker_is_away_goes_on_as_soon_as_it_is_back(
    nats_server: NatsServer,
) -> None:
    nats_server.kill()

    async with opened(nats_server.url, timeout=60.0) as broker:
        publishing = asyncio.create_task(broker.publish(event()))
        await nats_server.start()
        await publishing

    assert len(await nats_server.stored()) == 1


async def test_a_broker_that_is_away_at_the_start_is_not_waited_for() -> None:
    broker = broker_at(f"nats://127.0.0.1:{free_port()}", timeout=0.2)

    async with asyncio.timeout(60):
        await broker.open()

    assert not await published(broker)
    await broker.close()


async def test_closing_ends_a_connection_that_is_just_being_made(nats_server: NatsServer) -> None:
    """Where one cancellation is taken for another: `wait_for` of Python 3.11 may do so."""
    under_way = asyncio.Event()

    async def be_deaf_once(_: JetStreamContext) -> None:
        under_way.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    connection = NatsConnection(nats_server.url, be_deaf_once)
    opening = asyncio.create_task(connection.open())
    async with asyncio.timeout(60):
        await under_way.wait()

        await connection.close()

    await opening


async def test_a_stream_that_is_there_is_left_as_it_is(nats_server: NatsServer) -> None:
    async with nats_server.client() as jetstream:
        config = StreamConfig(name=STREAM, subjects=[f"{PREFIX}.>", "more.>"], max_age=3600)
        before = (await jetstream.add_stream(config)).config

        async with opened(nats_server.url) as broker:
            await broker.publish(event())

        assert (await jetstream.stream_info(STREAM)).config == before


async def test_an_event_that_the_stream_does_not_take_is_not_published(
    nats_server: NatsServer,
) -> None:
    async with nats_server.client() as jetstream:
        await jetstream.add_stream(StreamConfig(name=STREAM, subjects=["other.>"]))
        await jetstream.add_stream(StreamConfig(name="foreign", subjects=[f"{PREFIX}.>"]))

    async with opened(nats_server.url) as broker:
        with pytest.raises(NotStoredError):
            await broker.publish(event())


async def test_a_name_and_a_password_are_those_of_the_url_decoded(start_nats: StartNats) -> None:
    server = await start_nats("--user", "app", "--pass", ODD)

    async with opened(f"nats://app:{ENCODED}@127.0.0.1:{server.port}") as broker:
        assert await published(broker)


async def test_a_refused_login_is_told_without_what_was_shown_and_tried_again(
    start_nats: StartNats, capsys: pytest.CaptureFixture[str]
) -> None:
    server = await start_nats("--user", "app", "--pass", "another")

    url = f"nats://app:{ENCODED}@127.0.0.1:{server.port}"
    async with opened(url, timeout=0.2) as broker:
        assert not await published(broker)
        await server.restart("--user", "app", "--pass", ODD)
        await eventually(lambda: published(broker))

    said = capsys.readouterr().out
    assert "the broker is out of reach" in said
    assert "Authorization" in said
    assert ODD not in said
    assert ENCODED not in said
