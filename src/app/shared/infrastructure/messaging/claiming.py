"""Claiming: which owed deliveries this process takes on now; at once the recovery path."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.event_bus import Effect, EventBus, Relay, StoredEvent, Subscriber

LEASE = 4.0
"""Seconds for which a claimed delivery is ours; from when it runs, its row's lock protects it."""

CLOSING = 5.0
"""Seconds that an effect has beyond its timeout until it counts as abandoned."""

SWEEP = 500
"""How many blocked deliveries of a subscriber one claim may move out of the way."""

CLAIM = """
-- Take due deliveries, at most `most` of each subscriber, heads of their keys; move blocked ones
-- aside.
-- The lease of what was tried before ends later and later, at random: so one that kills its process
-- does so ever less often, and is tried apart from those that it took with it.
WITH met AS MATERIALIZED (
    SELECT known.*, due.*, ARRAY(
        SELECT line.position FROM messaging.delivery AS line
        WHERE line.subscriber = known.subscriber AND line.key BETWEEN due.key AND due.key
            AND (line.dead_at IS NULL OR line.strict)
        ORDER BY line.key, line.position LIMIT 2
    ) AS line
    FROM unnest($1::text[], $2::int[], $4::int[]) AS known (subscriber, most, max_attempts)
    CROSS JOIN LATERAL (
        SELECT ctid AS row_id, position, key, attempts, available_at FROM messaging.delivery
        WHERE subscriber = known.subscriber AND dead_at IS NULL AND available_at <= now()
        ORDER BY available_at, position LIMIT known.most + $5 FOR UPDATE SKIP LOCKED
    ) AS due
), ranked AS MATERIALIZED (
    SELECT row_id, most, head, next, attempts >= max_attempts AS spent,
        row_number() OVER (PARTITION BY subscriber, head ORDER BY available_at, position) AS place
    FROM met CROSS JOIN LATERAL (
        SELECT key IS NULL OR line[1] = position AS head, line[2] = position AS next
    ) AS standing
), claimed AS (
    UPDATE messaging.delivery
    SET attempts = attempts + 1,
        available_at = now() + interval '1 second' * (
            ($3::float8[])[array_position($1::text[], subscriber)]
            + random() * least(300, 4 * (2 ^ least(attempts, 10) - 1))
        )
    WHERE ctid = ANY (ARRAY(
        SELECT row_id FROM ranked WHERE head AND NOT spent AND place <= most
    ))
    RETURNING position, subscriber, attempts
), died AS (
    UPDATE messaging.delivery
    SET dead_at = now(), last_error = coalesce(last_error, 'no attempt came to its end')
    WHERE ctid = ANY (ARRAY(SELECT row_id FROM ranked WHERE head AND spent))
    RETURNING subscriber, position
), deferred AS (
    UPDATE messaging.delivery
    SET available_at = now() + CASE
        WHEN ctid = ANY (ARRAY(SELECT row_id FROM ranked WHERE next)) THEN interval '5 seconds'
        ELSE interval '1 minute' END
    WHERE ctid = ANY (ARRAY(SELECT row_id FROM ranked WHERE NOT head))
    RETURNING position
)
SELECT (SELECT count(*) FROM deferred) AS deferred,
    (SELECT json_agg(json_build_array(subscriber, died.position)) FROM died)::text AS died,
    claimed.*, event.*
FROM (VALUES (true)) AS always
LEFT JOIN claimed ON true
LEFT JOIN LATERAL (
    SELECT id, type, version, key, payload::text, meta::text, occurred_at
    FROM messaging.event WHERE event.position = claimed.position LIMIT 1
) AS event ON true
ORDER BY claimed.position
"""

PIN_PLAN = """
-- Planned while the queue is empty, the claim must still serve when it holds a million rows:
-- without sorts and full scans only the due and the head index give the orders that it asks for.
SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One claimed delivery: an event for a subscriber, in its n-th attempt."""

    position: int
    subscriber: str
    attempts: int
    event: StoredEvent

    @property
    def named(self) -> dict[str, str]:
        """What a line of the log says of it."""
        return {
            "subscriber": self.subscriber,
            "event_id": str(self.event.id),
            "event_type": self.event.type,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, oldest first."""

    deliveries: list[Delivery]
    deferred: int
    """How many were blocked and moved out of the way."""
    died: list[tuple[str, int]]
    """Subscriber and position of what had spent its attempts without an end of any."""
    left: frozenset[str]
    """The subscribers of which more may be due."""


class Claiming:
    """Takes due deliveries for the subscribers of this process."""

    def __init__(self, engine: AsyncEngine, bus: EventBus) -> None:
        self._engine = engine
        self._bus = bus
        self._sweep = 0

    async def claim(self, most: Mapping[str, int]) -> Claim:
        """Take at most so many of each subscriber by its name; one without a number waits."""
        wanted = {name: count for name, count in most.items() if count > 0}
        if not wanted:
            return Claim([], 0, [], frozenset())
        subscribers = [self._bus[name] for name in wanted]
        leases = [lease(subscriber) for subscriber in subscribers]
        limits = [subscriber.max_attempts for subscriber in subscribers]
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(PIN_PLAN)
            result = await connection.exec_driver_sql(
                CLAIM, (list(wanted), list(wanted.values()), leases, limits, self._sweep)
            )
            rows = result.all()
        deferred = rows[0].deferred
        self._sweep = SWEEP if deferred else 0
        deliveries = [_delivery(row) for row in rows if row.position is not None]
        taken = Counter(delivery.subscriber for delivery in deliveries)
        died = [(subscriber, position) for subscriber, position in json.loads(rows[0].died or "[]")]
        # Neither the deferred nor the dead count as taken, and others may be behind them.
        full = (name for name in taken if taken[name] == wanted[name])
        left = wanted if deferred or died else full
        return Claim(deliveries, deferred, died, frozenset(left))


def lease(subscriber: Subscriber) -> float:
    """Seconds from the claim until another process may take it for abandoned."""
    match subscriber:
        case Effect() | Relay():
            return subscriber.timeout.total_seconds() + CLOSING
        case _:
            return LEASE


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        position=row.position,
        subscriber=row.subscriber,
        attempts=row.attempts,
        event=StoredEvent(
            id=row.id,
            type=row.type,
            version=row.version,
            key=row.key,
            payload=row.payload,
            meta=json.loads(row.meta),
            occurred_at=row.occurred_at,
        ),
    )
