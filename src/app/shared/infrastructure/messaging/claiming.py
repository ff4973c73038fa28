"""Claiming: which owed deliveries this process takes on now; at once the recovery path."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.event_bus import EventBus

LEASE = 4.0
"""Seconds for which a claimed delivery is ours; from when it runs, its row's lock protects it."""

SWEEP = 500
"""How many blocked deliveries of a subscriber one claim may move out of the way."""

CLAIM = """
-- Take at most $3 due deliveries, $4 per subscriber, heads of their keys; move blocked ones aside.
WITH met AS MATERIALIZED (
    SELECT known.*, due.*, ARRAY(
        SELECT line.position FROM messaging.delivery AS line
        WHERE line.subscriber = known.subscriber AND line.key BETWEEN due.key AND due.key
            AND (line.dead_at IS NULL OR line.strict)
        ORDER BY line.key, line.position LIMIT 2
    ) AS line
    FROM unnest($1::text[], $2::smallint[]) WITH ORDINALITY
        AS known (subscriber, max_attempts, turn)
    CROSS JOIN LATERAL (
        SELECT ctid AS row_id, position, key, attempts, available_at FROM messaging.delivery
        WHERE subscriber = known.subscriber AND dead_at IS NULL AND available_at <= now()
        ORDER BY available_at, position LIMIT $5 FOR UPDATE SKIP LOCKED
    ) AS due
), ranked AS MATERIALIZED (
    SELECT row_id, turn, head, next, attempts >= max_attempts AS spent,
        row_number() OVER (PARTITION BY turn, head ORDER BY available_at, position) AS place
    FROM met CROSS JOIN LATERAL (
        SELECT key IS NULL OR line[1] = position AS head, line[2] = position AS next
    ) AS standing
), claimed AS (
    UPDATE messaging.delivery
    SET attempts = attempts + 1, available_at = now() + $6::float8 * interval '1 second'
    WHERE ctid = ANY (ARRAY(
        SELECT row_id FROM ranked WHERE head AND NOT spent AND place <= $4
        ORDER BY place, turn LIMIT $3
    ))
    RETURNING position, subscriber, attempts, key
), died AS (
    UPDATE messaging.delivery
    SET dead_at = now(), last_error = coalesce(last_error, 'no attempt came to its end')
    WHERE ctid = ANY (ARRAY(SELECT row_id FROM ranked WHERE head AND spent))
), deferred AS (
    UPDATE messaging.delivery
    SET available_at = now() + CASE
        WHEN ctid = ANY (ARRAY(SELECT row_id FROM ranked WHERE next)) THEN interval '5 seconds'
        ELSE interval '1 minute' END
    WHERE ctid = ANY (ARRAY(SELECT row_id FROM ranked WHERE NOT head))
    RETURNING position
)
SELECT (SELECT count(*) FROM deferred) AS deferred, claimed.*, event.*
FROM (VALUES (true)) AS always
LEFT JOIN claimed ON true
LEFT JOIN LATERAL (
    SELECT id, type, version, payload::text, meta::text FROM messaging.event
    WHERE event.position = claimed.position LIMIT 1
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
    key: str | None
    event_id: UUID
    type: str
    version: int
    payload: str
    meta: dict[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, and whether it is worth asking again at once."""

    deliveries: list[Delivery]
    more: bool


class Claiming:
    """Takes due deliveries for the subscribers of this process, fairly between them."""

    def __init__(self, engine: AsyncEngine, bus: EventBus) -> None:
        self._engine = engine
        self._subscribers = deque(bus.subscribers.values())
        self._sweep = 0

    async def claim(self, slots: int) -> Claim:
        """Take at most `slots`, as many per subscriber; whose turn comes first rotates."""
        if not self._subscribers:
            return Claim([], more=False)
        self._subscribers.rotate(-1)
        names = [reaction.name for reaction in self._subscribers]
        limits = [reaction.max_attempts for reaction in self._subscribers]
        share = max(1, slots // len(names))
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(PIN_PLAN)
            result = await connection.exec_driver_sql(
                CLAIM, (names, limits, slots, share, share + self._sweep, LEASE)
            )
            rows = result.all()
        blocked = rows[0].deferred > 0
        self._sweep = SWEEP if blocked else 0
        deliveries = [_delivery(row) for row in rows if row.position is not None]
        fullest = max(Counter(delivery.subscriber for delivery in deliveries).values(), default=0)
        return Claim(deliveries, more=blocked or fullest == share or len(deliveries) == slots)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        position=row.position,
        subscriber=row.subscriber,
        attempts=row.attempts,
        key=row.key,
        event_id=row.id,
        type=row.type,
        version=row.version,
        payload=row.payload,
        meta=json.loads(row.meta),
    )
