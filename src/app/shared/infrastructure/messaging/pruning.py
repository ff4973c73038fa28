"""Pruning: subscriptions that no code has any more are removed, with nothing owed left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.shared.infrastructure.messaging.subscriptions import RefusedError, Subscription
from app.shared.infrastructure.outages import outages_as_unavailable

BATCH = 10_000

COUNT_OWED = """
-- What is owed under these subscriptions, dead letters included.
SELECT count(*)
FROM unnest($1::text[], $2::text[]) AS pruned (subscriber, event_type)
JOIN messaging.delivery USING (subscriber)
JOIN messaging.event ON event.position = delivery.position AND event.type = pruned.event_type
"""

DISCARD_OWED = """
-- Owe at most $3 deliveries less under these subscriptions; those that run just now stay.
WITH owed AS (
    SELECT delivery.ctid AS row_id
    FROM unnest($1::text[], $2::text[]) AS pruned (subscriber, event_type)
    JOIN messaging.delivery USING (subscriber)
    JOIN messaging.event ON event.position = delivery.position AND event.type = pruned.event_type
    LIMIT $3 FOR UPDATE OF delivery SKIP LOCKED
), discarded AS (
    DELETE FROM messaging.delivery WHERE ctid = ANY (ARRAY(SELECT row_id FROM owed))
    RETURNING true
)
SELECT count(*) FROM discarded
"""

KEEP_OUT = """
-- Wait for everybody who publishes and may have read the subscriptions, and keep others from it.
LOCK TABLE messaging.subscription IN ACCESS EXCLUSIVE MODE
"""

NOT_FOR_LONG = "SET LOCAL lock_timeout = '1s'"
"""Whoever publishes meanwhile waits behind us."""

PRUNE = """
-- Owe nothing under these subscriptions from now on.
DELETE FROM messaging.subscription
WHERE (subscriber, event_type) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""


class StillOwedError(RefusedError):
    """Deliveries are owed under the subscriptions; without them they would never be seen again."""

    def __init__(self, owed: int) -> None:
        are = "delivery is" if owed == 1 else "deliveries are"
        super().__init__(
            f"{owed} {are} still owed; nothing was pruned (--discard-owed gives up what is owed)"
        )
        self.owed = owed


async def owed_under(engine: AsyncEngine, pruned: Sequence[Subscription]) -> int:
    """Deliveries, dead letters included."""
    with outages_as_unavailable():
        async with engine.connect() as connection:
            return await _count(connection, COUNT_OWED, *_columns(pruned))


async def prune(
    engine: AsyncEngine, pruned: Sequence[Subscription], *, discard_owed: bool = False
) -> int:
    """Remove the subscriptions; returns how many deliveries were discarded with them.

    Raises `StillOwedError`, with `discard_owed` only for what somebody delivers just now, and
    `UnavailableError` when a publishing transaction does not end within a second. No subscription
    is removed then.
    """
    columns = _columns(pruned)
    discarded = 0
    with outages_as_unavailable():
        full = discard_owed
        while full:  # in batches, so that the lock below is short
            async with engine.begin() as connection:
                batch = await _count(connection, DISCARD_OWED, *columns, BATCH)
            discarded += batch
            full = batch == BATCH
        async with engine.begin() as connection:
            await connection.exec_driver_sql(NOT_FOR_LONG)
            await connection.exec_driver_sql(KEEP_OUT)
            if discard_owed:
                discarded += await _count(connection, DISCARD_OWED, *columns, None)
            if owed := await _count(connection, COUNT_OWED, *columns):
                raise StillOwedError(owed)
            await connection.exec_driver_sql(PRUNE, columns)
    return discarded


async def _count(connection: AsyncConnection, sql: str, *args: Any) -> int:
    result = await connection.exec_driver_sql(sql, args)
    return int(result.scalar_one())


def _columns(pruned: Sequence[Subscription]) -> tuple[list[str], list[str]]:
    return (
        [subscription.subscriber for subscription in pruned],
        [subscription.event_type for subscription in pruned],
    )
