"""Events over NATS JetStream: published with an acknowledgement, consumed in order."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

import structlog
from nats.aio.msg import Msg
from nats.errors import Error, TimeoutError  # noqa: A004  # it is not Python's, and stays apart
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError

from app.shared.application.broker import Broker, NotStoredError, Receive
from app.shared.application.event_bus import Discard, StoredEvent
from app.shared.infrastructure.nats.connection import PAUSE, NatsConnection
from app.shared.infrastructure.nats.messages import event_of, headers_of

DUPLICATE_WINDOW = 600.0
"""Seconds for which JetStream knows an id again; longer than the longest pause between attempts."""

ACK_WAIT = 10.0
"""Seconds after which a message that nobody answered for is handed out again."""

PULL = 5.0
"""Seconds that one request for a message waits for it."""

AGAIN = 1
"""Seconds until an event that could not be kept is handed out again."""

_log = structlog.get_logger("app.broker")


class NatsJetStreamBroker(Broker):
    """One stream for everybody, one durable consumer per service.

    The consumer hands out one message at a time, whatever the number of processes that ask it:
    so the events of a service are kept in the order of the stream, which is the order of each key.
    """

    def __init__(
        self,
        url: str,
        *,
        stream: str,
        subject_prefix: str,
        consumer: str | None,
        timeout: float,
        ack_wait: float = ACK_WAIT,
    ) -> None:
        self._stream = stream
        self._prefix = subject_prefix
        self._consumer = consumer
        self._timeout = timeout
        self._ack_wait = ack_wait
        self._connection = NatsConnection(url, self._ensure_stream)

    async def open(self) -> None:
        await self._connection.open()

    async def close(self) -> None:
        await self._connection.close()

    async def publish(self, event: StoredEvent) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                jetstream = await self._connection.established()
                await jetstream.publish(
                    f"{self._prefix}.{event.type}",
                    event.payload.encode(),
                    timeout=self._timeout,
                    stream=self._stream,
                    headers=headers_of(event),
                )
        except (Error, OSError) as error:
            raise NotStoredError(type(error).__name__) from None

    async def consume(self, types: Collection[str], receive: Receive) -> None:
        while True:
            jetstream = await self._connection.established()
            try:
                await self._pull(jetstream, types, receive)
            except (Error, OSError) as error:
                _log.warning("events wait for the broker", error=type(error).__name__)
            await asyncio.sleep(PAUSE)

    async def _pull(
        self, jetstream: JetStreamContext, types: Collection[str], receive: Receive
    ) -> None:
        consumer = await jetstream.add_consumer(self._stream, self._consumer_config())
        subscription = await jetstream.pull_subscribe_bind(consumer.name, self._stream)
        try:
            while True:
                with suppress(TimeoutError):
                    [message] = await subscription.fetch(timeout=PULL)
                    await self._take(message, types, receive)
        finally:
            with suppress(Error):
                await subscription.unsubscribe()

    async def _take(self, message: Msg, types: Collection[str], receive: Receive) -> None:
        event_type = message.subject.removeprefix(f"{self._prefix}.")
        try:
            if event_type in types:
                await receive(event_of(event_type, message.headers, message.data))
        except Discard as refusal:
            _log.error(
                "message given up",
                sequence=message.metadata.sequence.stream,
                event_type=event_type,
                reason=refusal.reason,
            )
            await message.term()
        except Exception as error:
            _log.warning("message not kept yet", error=type(error).__name__)
            await message.nak(delay=AGAIN)
        else:
            await message.ack()

    async def _ensure_stream(self, jetstream: JetStreamContext) -> None:
        """Make the stream unless it is there; whoever made it decided how."""
        try:
            await jetstream.stream_info(self._stream)
        except NotFoundError:
            await jetstream.add_stream(
                StreamConfig(
                    name=self._stream,
                    subjects=[f"{self._prefix}.>"],
                    duplicate_window=DUPLICATE_WINDOW,
                )
            )

    def _consumer_config(self) -> ConsumerConfig:
        return ConsumerConfig(
            name=self._consumer,
            durable_name=self._consumer,
            # Not the types that are asked for: servers differ in what they make of a filter that
            # changes, and a consumer that stands still is worse than one that passes events over.
            filter_subject=f"{self._prefix}.>",
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._ack_wait,
            max_ack_pending=1,
        )
