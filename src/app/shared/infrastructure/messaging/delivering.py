"""Delivering: a claimed event handled in one transaction with the note that it was."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.claiming import Delivery
from app.shared.infrastructure.messaging.codec import (
    EventCodec,
    NewerEventError,
    UnknownEventError,
)
from app.shared.infrastructure.messaging.log import EventLog, caused_by
from app.shared.infrastructure.unit_of_work import open_session, recorded_events

BACK_OFF = 1.0
"""Seconds, doubled by every attempt up to `LONGEST_BACK_OFF`; the wait is drawn below that."""

LONGEST_BACK_OFF = 300.0

RELEASED_FOR = 5.0
"""Seconds until an event that this process does not know is offered again."""

LOCK = """
-- Hold the delivery while it runs, if this attempt is still the present one.
SELECT 1 FROM messaging.delivery
WHERE position = $1 AND subscriber = $2 AND attempts = $3 AND dead_at IS NULL
FOR UPDATE SKIP LOCKED
"""

PAY = """
-- The debt is paid: forget it, and make the next delivery of its key due. That row is written even
-- if it seems due: a claim that just meets it blocked must come before this, or after.
WITH paid AS (DELETE FROM messaging.delivery WHERE position = $1 AND subscriber = $2)
UPDATE messaging.delivery SET available_at = clock_timestamp()
WHERE subscriber = $2 AND dead_at IS NULL AND position = (
    SELECT line.position FROM messaging.delivery AS line
    WHERE line.subscriber = $2 AND line.key = $3 AND line.position <> $1
        AND (line.dead_at IS NULL OR line.strict)
    ORDER BY line.key, line.position LIMIT 1
)
"""

FAIL = """
-- Note the error of this attempt; the last one makes the delivery a dead letter.
UPDATE messaging.delivery
SET available_at = clock_timestamp() + $4::float8 * interval '1 second', last_error = $5,
    dead_at = CASE WHEN attempts >= $6::smallint THEN clock_timestamp() END
WHERE position = $1 AND subscriber = $2 AND attempts = $3 AND dead_at IS NULL
RETURNING dead_at IS NOT NULL
"""

RELEASE = """
-- Nothing was tried: give the attempt back.
UPDATE messaging.delivery
SET attempts = attempts - 1, available_at = clock_timestamp() + $4::float8 * interval '1 second'
WHERE position = $1 AND subscriber = $2 AND attempts = $3 AND dead_at IS NULL
"""

_log = structlog.get_logger("app.messaging")


class Delivering:
    """Runs claimed deliveries, each to its end: paid, failed, released or no longer ours."""

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

    async def deliver(self, delivery: Delivery) -> Exception | None:
        """The error of the handler, after it was recorded; raises only when it could not be."""
        with caused_by(delivery.event_id, delivery.meta):
            try:
                await self._react(delivery)
            except (UnknownEventError, NewerEventError) as error:
                _log.info("event left to a newer process", reason=str(error))
                await self.release(delivery, after=RELEASED_FOR)
            except Exception as error:
                await self._record(delivery, error)
                return error
        return None

    async def release(self, delivery: Delivery, *, after: float = 0.0) -> None:
        """Give it back, due in `after` seconds, as if it had not been claimed."""
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(
                RELEASE, (delivery.position, delivery.subscriber, delivery.attempts, after)
            )

    async def _react(self, delivery: Delivery) -> None:
        event = self._codec.decode(delivery.type, delivery.version, delivery.payload)
        this = (delivery.position, delivery.subscriber)
        async with open_session(self._engine) as session:
            connection = await session.connection()
            locked = await connection.exec_driver_sql(LOCK, (*this, delivery.attempts))
            if locked.first() is None:
                return
            await self._bus.deliver(delivery.subscriber, event, session)
            await session.flush()
            if events := recorded_events(session):
                await self._event_log.publish(session, events)
            woken = await connection.exec_driver_sql(PAY, (*this, delivery.key))
            await session.commit()
        if events or woken.rowcount:
            self._ring()

    async def _record(self, delivery: Delivery, error: Exception) -> None:
        reaction = self._bus.subscribers[delivery.subscriber]
        longest = min(LONGEST_BACK_OFF, BACK_OFF * 2 ** (delivery.attempts - 1))
        async with self._engine.begin() as connection:
            result = await connection.exec_driver_sql(
                FAIL,
                (
                    delivery.position,
                    delivery.subscriber,
                    delivery.attempts,
                    self._draw() * longest,
                    described(error),
                    reaction.max_attempts,
                ),
            )
            dead = result.scalar()
        _log.warning(
            "delivery died" if dead else "delivery failed",
            subscriber=delivery.subscriber,
            event_id=str(delivery.event_id),
            event_type=delivery.type,
            attempt=delivery.attempts,
            exc_info=error,
        )


def described(error: Exception) -> str:
    """What is stored: the kind of the error and its place. Its message may hold personal data."""
    kind = type(error).__qualname__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/site-packages/" not in frame.filename] or frames
    if not own:
        return kind
    last = own[-1]
    return f"{kind} in {last.name}, line {last.lineno} of {last.filename.rpartition('/')[2]}"
