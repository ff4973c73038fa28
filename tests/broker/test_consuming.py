"""What a real NATS server hands over is kept in the order of the stream, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from nats.js.api import ConsumerConfig

from app.shared.application.event_bus import Discard, StoredEvent
from app.shared.infrastructure.nats.broker import NatsJetStreamBroker
from tests.broker.conftest import CONSUMER, PREFIX, TYPE, broker_at, event, opened
from tests.broker.inbox import Inbox, consuming
from tests.broker.nats_server import STREAM, NatsServer
from tests.e2e.socket.server import eventually

OTHER = "lab.counter_reset"
HEADERS = {
    "Nats-Msg-Id": "0190a5c8-0000-7000-8000-000000000000",
    "Event-Version": "1",
    "Event-Occurred-At": "2026-01-02T03:04:05+00:00",
}


def failing(times: int) -> Callable[[StoredEvent], None]:
    """Refuses every event so many times before it lets it pass."""
    refused: dict[str, int] = {}

    def refuse(one: StoredEvent) -> None:
        refused[str(one.id)] = refused.get(str(one.id), 0) + 1
        if refused[str(one.id)] <= times:
            raise ConnectionError("the database is away")

    return refuse


async def test_an_event_arrives_as_it_was_sent(broker: NatsJetStreamBroker) -> None:
    sent = [
        event(key=None, meta={}),
        event(key=""),
        event(key=' "key"\r\n\u00e4\u2028 '),
        event(payload='{"text": "\u00e4\u4e16"}', version=7),
    ]
    inbox = Inbox()

    for one in sent:
        await broker.publish(one)
    async with consuming(broker, inbox):
        await inbox.has(len(sent))

    assert inbox.events == sent


async def test_what_could_not_be_kept_comes_again_before_anything_else(
    broker: NatsJetStreamBroker,
) -> None:
    sent = [event(number) for number in range(3)]
    inbox = Inbox(failing(times=1))

    for one in sent:
        await broker.publish(one)
    async with consuming(broker, inbox):
        await inbox.has(len(sent))

    assert inbox.events == sent


async def test_what_was_kept_does_not_come_again(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    first, second = event(1), event(2)
    before, after = Inbox(), Inbox()

    await broker.publish(first)
    async with consuming(broker, before):
        await before.has(1)
        await eventually(lambda: all_acknowledged(nats_server))
    await broker.publish(second)
    async with opened(nats_server.url) as restarted, consuming(restarted, after):
        await after.has(1)

    assert (before.events, after.events) == ([first], [second])


async def test_two_processes_keep_one_order(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    sent = [event(number) for number in range(200)]
    inbox = Inbox()

    async with (
        opened(nats_server.url) as second,
        consuming(broker, inbox),
        consuming(second, inbox),
    ):
        for one in sent:
            await broker.publish(one)
        await inbox.has(len(sent))

    assert inbox.events == sent


async def test_what_a_dead_process_had_been_handed_goes_to_another_before_anything_else(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    sent = [event(number) for number in range(3)]
    handed = asyncio.Event()
    inbox = Inbox()

    async def die_with_it(_: StoredEvent) -> None:
        handed.set()
        await asyncio.Event().wait()

    for one in sent:
        await broker.publish(one)
    dying = broker_at(nats_server.url, ack_wait=1.0)
    await dying.open()
    consumption = asyncio.create_task(dying.consume([TYPE], die_with_it))
    async with asyncio.timeout(60):
        await handed.wait()
    async with opened(nats_server.url, ack_wait=1.0) as living, consuming(living, inbox):
        await dying.close()
        await eventually(lambda: all_acknowledged(nats_server))

    consumption.cancel()
    await asyncio.wait({consumption}, timeout=60)
    # A slow machine acknowledges too late, and is handed the same again.
    assert list(dict.fromkeys(one.id for one in inbox.events)) == [one.id for one in sent]


async def test_a_consumer_goes_on_when_its_broker_was_killed_and_started_again(
    nats_server: NatsServer,
) -> None:
    """It may have forgotten what was acknowledged last, and hands that out again, in order."""
    sent = [event(number) for number in range(4)]
    inbox = Inbox()

    async with opened(nats_server.url, ack_wait=1.0) as broker, consuming(broker, inbox):
        for one in sent[:2]:
            await broker.publish(one)
        await inbox.has(2)
        await eventually(lambda: all_acknowledged(nats_server))
        await nats_server.restart()
        async with opened(nats_server.url) as publisher:
            for one in sent[2:]:
                await publisher.publish(one)
        await eventually(lambda: all_acknowledged(nats_server))

    assert list(dict.fromkeys(one.id for one in inbox.events)) == [one.id for one in sent]


async def test_a_consumer_waits_for_a_broker_that_is_away_at_the_start(
    nats_server: NatsServer,
) -> None:
    nats_server.kill()
    inbox = Inbox()
    sent = event()

    async with opened(nats_server.url) as broker, consuming(broker, inbox):
        await nats_server.start()
        async with opened(nats_server.url) as publisher:
            await publisher.publish(sent)
        await inbox.has(1)

    assert inbox.events == [sent]


async def test_types_that_are_not_asked_for_are_passed_over(nats_server: NatsServer) -> None:
    asked, passed = event(), event(type="lab.something_else")
    reset = event(type=OTHER)
    one_type, two_types = Inbox(), Inbox()

    async with opened(nats_server.url) as broker:
        for sent in (passed, asked, passed):
            await broker.publish(sent)
        async with consuming(broker, one_type, TYPE):
            await eventually(lambda: all_acknowledged(nats_server))
        await broker.publish(reset)
        async with consuming(broker, two_types, TYPE, OTHER):
            await two_types.has(1)

    assert (one_type.events, two_types.events) == ([asked], [reset])


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        (None, b"{}"),
        (HEADERS, b""),
        (HEADERS, b"\xff"),
        (HEADERS, b"[]"),
        (HEADERS, b'{"number": NaN}'),
        (HEADERS, b"[" * 100_000),
        (HEADERS | {"Nats-Msg-Id": "first"}, b"{}"),
        (HEADERS | {"Event-Version": "0"}, b"{}"),
        (HEADERS | {"Event-Version": "32768"}, b"{}"),
        (HEADERS | {"Event-Version": "one"}, b"{}"),
        (HEADERS | {"Event-Occurred-At": "2026-01-02T03:04:05"}, b"{}"),
        (HEADERS | {"Event-Key": "bare"}, b"{}"),
        (HEADERS | {"Event-Key": "1"}, b"{}"),
        (HEADERS | {"Event-Key": f'"{"k" * 513}"'}, b"{}"),
        (HEADERS | {"Event-Meta": '{"actor": 1}'}, b"{}"),
        (HEADERS | {"Event-Meta": '{"actor": "\\u001b[2J"}'}, b"{}"),
        (HEADERS | {"Event-Meta": '{"request id": "1"}'}, b"{}"),
        (HEADERS | {"Event-Meta": f'{{"actor": "{"a" * 5_000}"}}'}, b"{}"),
    ],
)
async def test_a_message_that_is_no_event_is_given_up_and_nothing_waits_for_it(
    broker: NatsJetStreamBroker,
    nats_server: NatsServer,
    capsys: pytest.CaptureFixture[str],
    headers: dict[str, str] | None,
    data: bytes,
) -> None:
    after = event()
    inbox = Inbox()

    async with nats_server.client() as jetstream:
        await jetstream.publish(f"{PREFIX}.{TYPE}", data, headers=headers)
    await broker.publish(after)
    async with consuming(broker, inbox):
        await inbox.has(1)

    assert inbox.events == [after]
    assert "message given up" in capsys.readouterr().out


async def test_an_event_that_the_receiver_gives_up_does_not_come_again(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    seen: list[str] = []

    def give_up_the_first(one: StoredEvent) -> None:
        seen.append(str(one.id))
        if len(seen) == 1:
            raise Discard("it is of no use")

    sent = [event(number) for number in range(2)]
    inbox = Inbox(give_up_the_first)

    for one in sent:
        await broker.publish(one)
    async with consuming(broker, inbox):
        await inbox.has(1)
        await eventually(lambda: all_acknowledged(nats_server))

    assert seen == [str(one.id) for one in sent]


async def test_a_consumer_that_somebody_made_with_more_at_once_is_set_right(
    broker: NatsJetStreamBroker, nats_server: NatsServer
) -> None:
    inbox = Inbox()
    lax = ConsumerConfig(
        name=CONSUMER,
        durable_name=CONSUMER,
        filter_subject=f"{PREFIX}.>",
        max_ack_pending=100,
    )

    async with nats_server.client() as jetstream:
        await jetstream.add_consumer(STREAM, lax)
        async with consuming(broker, inbox):
            await broker.publish(event())
            await inbox.has(1)

        assert (await jetstream.consumer_info(STREAM, CONSUMER)).config.max_ack_pending == 1


async def all_acknowledged(server: NatsServer) -> bool:
    async with server.client() as jetstream:
        info = await jetstream.consumer_info(STREAM, CONSUMER)
        return (info.num_ack_pending, info.num_pending) == (0, 0)
