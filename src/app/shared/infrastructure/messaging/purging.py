"""Purging: what happened long ago and is owed to nobody is forgotten."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from app.shared.infrastructure.fail_points import fail_point
from app.shared.infrastructure.statements import Statements

SPAN = """
-- The moment before which events are old, and the last old one. The addition keeps PostgreSQL from
-- looking for it backwards, through all of the young ones, instead of by the index of their times.
SELECT before, (SELECT max(position + 0) FROM messaging.event WHERE occurred_at < before) AS last
FROM (SELECT now() - $1::interval AS before) AS moment
"""

PURGE = """
-- Walk the next $4 events up to $2 and forget those from before $3 that are owed to nobody. One
-- that is locked is being owed anew.
WITH walked AS MATERIALIZED (
    SELECT position FROM messaging.event
    WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $4
), old AS (
    SELECT event.position FROM walked JOIN messaging.event USING (position)
    WHERE event.occurred_at < $3 AND NOT EXISTS (
        SELECT 1 FROM messaging.delivery WHERE delivery.position = event.position
    )
    FOR UPDATE OF event SKIP LOCKED
), purged AS (
    DELETE FROM messaging.event USING old WHERE event.position = old.position
    RETURNING event.position
)
SELECT max(position) AS last, (SELECT count(*) FROM purged) AS purged FROM walked
"""

PATIENCE = 100
"""How often in all a replay may come between; more is no coincidence."""


async def purge(statements: Statements, *, older_than: timedelta, batch: int = 1000) -> int:
    """Forget the events older than this of which no delivery is left, neither owed nor dead.

    Returns how many they were. Each batch is a transaction of its own, so that whatever ends this
    loses nothing of what it did.
    """
    span = await statements.row(SPAN, older_than)
    if span is None or span["last"] is None:
        return 0
    total, after, refused = 0, 0, 0
    while True:
        try:
            walk = await statements.row(PURGE, after, span["last"], span["before"], batch)
        except asyncpg.ForeignKeyViolationError:
            # One of them was owed anew after this statement began; the next one sees it.
            refused += 1
            if refused > PATIENCE:
                raise
            continue
        if walk is None or walk["last"] is None:
            return total
        total += walk["purged"]
        after = walk["last"]
        fail_point("purge")
