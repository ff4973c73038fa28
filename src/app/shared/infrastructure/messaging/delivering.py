"""Delivering: a claimed event handled, and the note that it was: for a reaction one transaction."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.backlog import Outcome
from app.shared.application.event_bus import Discard, Effect, EventBus, Reaction, Relay, Retry
from app.shared.domain.event import Event
from app.shared.infrastructure.fail_points import fail_point
from app.shared.infrastructure.failures import described
from app.shared.infrastructure.messaging import ledger
from app.shared.infrastructure.messaging.claiming import Delivery
from app.shared.infrastructure.messaging.codec import (
    EventCodec,
    NewerEventError,
    UnknownEventError,
)
from app.shared.infrastructure.messaging.handling import bounded
from app.shared.infrastructure.messaging.log import EventLog, caused_by
from app.shared.infrastructure.messaging.releasing import Releasing
from app.shared.infrastructure.outages import is_interruption, is_own_interruption
from app.shared.infrastructure.unit_of_work import open_session, recorded_events

BACK_OFF = 1.0
"""Seconds, doubled by every attempt up to `LONGEST_BACK_OFF`; the wait is drawn below that."""

LONGEST_BACK_OFF = 300.0
LONGEST_RETRY = timedelta(days=365)

RELEASED_FOR = 5.0
"""Seconds until it is offered again what this process does not know, or an outage cut short."""

SPARED = 8
"""How many interruptions of one delivery a process does not count: an outage makes no dead letter,
and yet a statement that brings PostgreSQL down comes to an end."""

REMEMBERED = 10_000  # deliveries of which that is known, at the most

_log = structlog.get_logger("app.messaging")


class Delivering:
    """Runs claimed deliveries, each to its end."""

    def __init__(
        self,
        engine: AsyncEngine,
        bus: EventBus,
        codec: EventCodec,
        event_log: EventLog,
        ring: Callable[[], None],
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._codec = codec
        self._event_log = event_log
        self._ring = ring
        self._draw = draw
        self._interruptions: Counter[tuple[int, str]] = Counter()
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        self.releasing = Releasing(engine, self.outcomes)
        self.last_delivered: dict[str, datetime] = {}

    async def deliver(self, deliveries: Sequence[Delivery]) -> list[Exception]:
        """The errors of the handler, after they were recorded; raises only when they could not be.

        The deliveries are of one subscriber and, where they have keys, of as many keys.
        """
        if len(deliveries) > 1:
            with suppress(Exception):
                # Together; or else each alone, where an error has its own delivery to blame.
                await self._react(deliveries)
                return []
        errors = [await self._deliver(delivery) for delivery in deliveries]
        return [error for error in errors if error]

    async def _deliver(self, delivery: Delivery) -> Exception | None:
        reacts = isinstance(self._bus[delivery.subscriber], Reaction)
        with caused_by(delivery.event.id, delivery.event.meta):
            try:
                await (self._react([delivery]) if reacts else self._call_out(delivery))
            except (UnknownEventError, NewerEventError) as error:
                _log.info("event left to a newer process", reason=str(error))
                await self.releasing.release([delivery], after=RELEASED_FOR)
                return None
            except Discard as verdict:
                _log.info("delivery discarded", reason=verdict.reason, **delivery.named)
                await self._pay(delivery, "discarded")
                return None
            except Exception as error:
                met = is_interruption(error) if reacts else is_own_interruption(error)
                if met and self._spares(delivery):
                    _log.warning("delivery interrupted", error=described(error), **delivery.named)
                    await self.releasing.release([delivery], after=self._draw() * RELEASED_FOR)
                else:
                    await self._record(delivery, error)
                return error
            if not reacts:
                await self._pay(delivery, "paid")
        return None

    def _spares(self, delivery: Delivery) -> bool:
        if len(self._interruptions) >= REMEMBERED:
            self._interruptions.clear()
        self._interruptions[delivery.position, delivery.subscriber] += 1
        return self._interruptions[delivery.position, delivery.subscriber] <= SPARED

    async def _react(self, deliveries: Sequence[Delivery]) -> None:
        reaction = self._bus[deliveries[0].subscriber]
        events = [self._decoded(delivery) for delivery in deliveries]
        published = False
        payment = ledger.Payment(0, 0)
        async with open_session(self._engine) as session:
            connection = await session.connection()
            locked = await ledger.lock(connection, deliveries)
            ours = [delivery for delivery in deliveries if delivery.position in locked]
            for delivery, event in zip(deliveries, events, strict=True):
                if delivery.position in locked and isinstance(reaction, Reaction):
                    with caused_by(delivery.event.id, delivery.event.meta):
                        async with bounded(reaction.timeout):
                            await reaction.handler(event, reaction.work(session))
                        await session.flush()
                        if recorded := recorded_events(session):
                            await self._event_log.publish(session, recorded)
                            published = True
            fail_point("mid_handler")
            if ours:
                payment = await ledger.pay(connection, ours)
            await session.commit()
        fail_point("after_handler_commit")
        self._note(reaction.name, "paid", payment.paid)
        self._note(reaction.name, "lost", len(deliveries) - payment.paid)
        if published or payment.woken:
            self._ring()

    async def _call_out(self, delivery: Delivery) -> None:
        """No transaction and no connection is held while the other side is waited for."""
        fail_point("before_effect")
        match subscriber := self._bus[delivery.subscriber]:
            case Effect(name=name, handler=handler):
                call = handler(self._decoded(delivery), f"{delivery.event.id}:{name}")
            case Relay(send=send):
                call = send(delivery.event)
            case _:
                raise TypeError(subscriber)
        async with bounded(subscriber.timeout):
            await call
        fail_point("after_effect")

    async def _pay(self, delivery: Delivery, outcome: Outcome) -> None:
        async with self._engine.begin() as connection:
            payment = await ledger.pay(connection, [delivery])
        self._note(delivery.subscriber, outcome if payment.paid else "lost", 1)
        if payment.woken:
            self._ring()

    async def _record(self, delivery: Delivery, error: Exception) -> None:
        wait = self._draw() * min(LONGEST_BACK_OFF, BACK_OFF * 2 ** min(delivery.attempts - 1, 10))
        if isinstance(error, Retry):
            wait = min(error.after, LONGEST_RETRY).total_seconds()
        fail_point("failure_record")
        async with self._engine.begin() as connection:
            dead = await ledger.fail(
                connection,
                delivery,
                wait=wait,
                error=described(error),
                max_attempts=self._bus[delivery.subscriber].max_attempts,
            )
        self._note(delivery.subscriber, "died" if dead else "failed", 1)
        _log.warning(
            "delivery died" if dead else "delivery failed",
            attempt=delivery.attempts,
            error=described(error),
            exc_info=error if dead or delivery.attempts == 1 else None,  # not the same every time
            **delivery.named,
        )

    def _decoded(self, delivery: Delivery) -> Event:
        event = delivery.event
        if event.type not in self._bus[delivery.subscriber].event_types:
            # A newer process moved the subscriber to another event, which is not this handler's.
            raise UnknownEventError(f"{event.type} for {delivery.subscriber}")
        return self._codec.decode(event.type, event.version, event.payload)

    def _note(self, subscriber: str, outcome: Outcome, count: int) -> None:
        if count:
            self.outcomes[subscriber, outcome] += count
            if outcome == "paid":
                self.last_delivered[subscriber] = datetime.now(UTC)
