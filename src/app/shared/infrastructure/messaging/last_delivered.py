"""When each subscriber last succeeded, told to the other processes through the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.shared.infrastructure.statements import Statements

NOTE = """
-- Move the time of each subscriber forward, never back. Several processes do this at once: they
-- lock the rows in one order, so that none of them can hold what another waits for.
WITH earlier AS MATERIALIZED (
    SELECT subscriber, event_type, at
    FROM messaging.subscription JOIN unnest($1::text[], $2::timestamptz[]) AS given (subscriber, at)
        USING (subscriber)
    WHERE at > coalesce(last_delivered_at, '-infinity')
    ORDER BY subscriber, event_type
    FOR NO KEY UPDATE OF subscription
)
UPDATE messaging.subscription AS known SET last_delivered_at = earlier.at
FROM earlier
WHERE known.subscriber = earlier.subscriber AND known.event_type = earlier.event_type
"""


class LastDelivered:
    """Notes what changed since it last did; a process that delivers nothing writes nothing."""

    def __init__(self, statements: Statements, delivered: Mapping[str, datetime]) -> None:
        self._statements = statements
        self._delivered = delivered
        self._noted: dict[str, datetime] = {}

    async def note(self) -> None:
        """Raises `UnavailableError` while the database is away; the next call has it all still."""
        newer = dict(self._delivered.items() - self._noted.items())
        if newer:
            await self._statements.rows(NOTE, [*newer], [*newer.values()])
            self._noted |= newer
