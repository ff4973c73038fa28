"""The bridge to other services: some events of the log go out by the broker, some come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

import asyncpg
import structlog

from app.shared.application.broker import Broker
from app.shared.application.event_bus import Discard, Relay, StoredEvent
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.statements import Statements

RELAY = "broker.relay"

AS_LONG_AS_IT_TAKES = 32_767
"""Attempts, the most that are counted: two months of an outage are no dead letter."""

MARGIN = timedelta(seconds=1)
"""By which the broker's own timeout comes before the relay's: its error says what happened."""


_log = structlog.get_logger("app.broker")


class Bridge:
    """Joins the event log of this service to those of others.

    Out: the relay is a subscriber like any other, strict, so that an event which the broker does
    not take holds back the later ones of its key. In: an event is stored under the id that it came
    with, once, and owed to the subscribers here as if it had happened here.
    """

    def __init__(
        self,
        broker: Broker,
        event_log: EventLog,
        statements: Statements,
        ring: Callable[[], None],
        *,
        relays: tuple[str, ...],
        consumes: tuple[str, ...],
        timeout: timedelta,
    ) -> None:
        self._broker = broker
        self._event_log = event_log
        self._statements = statements
        self._ring = ring
        self._consumes = consumes
        self._inbound: asyncio.Task[None] | None = None
        relay = Relay(
            name=RELAY,
            types=relays,
            send=self._send,
            timeout=timeout + MARGIN,
            strict=True,
            max_attempts=AS_LONG_AS_IT_TAKES,
        )
        self.subscribers = (relay,) if relays else ()

    def doubt(self, known: Collection[str]) -> None:
        """Say which of the relayed types no module here has: what is misspelt never goes out.

        No refusal: a newer process may publish them, for any process to relay.
        """
        relayed = {event_type for relay in self.subscribers for event_type in relay.types}
        if strangers := sorted(relayed.difference(known)):
            _log.warning("no module here has what BROKER_RELAYS names", types=strangers)

    async def start(self) -> None:
        """Returns soon, whether or not the broker is there."""
        await self._broker.open()
        if self._consumes:
            consuming = self._broker.consume(self._consumes, self._receive)
            self._inbound = asyncio.create_task(consuming, name="broker.inbound")

    async def stop(self) -> None:
        # Asked again: a client whose connection ends just now takes the first time for its own.
        while self._inbound is not None and not self._inbound.done():
            self._inbound.cancel()
            await asyncio.wait({self._inbound}, timeout=1)
        await self._broker.close()

    async def _send(self, event: StoredEvent) -> None:
        if event.type in self._consumes:
            # Owed since this service published it itself: by now it would go round in circles.
            raise Discard("events of its type come in by the broker")
        await self._broker.publish(event)

    async def _receive(self, event: StoredEvent) -> None:
        try:
            is_new = await self._event_log.receive(self._statements, event)
        except asyncpg.DataError as error:
            raise Discard(f"PostgreSQL refuses it ({type(error).__name__})") from None
        if is_new:
            self._ring()
