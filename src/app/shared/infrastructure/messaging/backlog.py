"""The backlog: what each subscriber is owed, at a cost that does not grow with it."""

from __future__ import annotations

from app.shared.application.backlog import SubscriberLag
from app.shared.application.reader import Reader

LAG = """
-- What each subscriber is owed, counting no more than $1 of each kind (NULL: all of them). Only an
-- index gives the orders that it asks for without a sort, so each count ends where it should.
SELECT known.subscriber, due.count + waiting.count AS owed, due.count AS due,
    waiting.count AS waiting, dead.count AS dead,
    coalesce($1 IN (due.count, waiting.count, dead.count), false) AS more,
    extract(epoch FROM now() - event.occurred_at)::float8 AS oldest_age, known.last_delivered_at
FROM (
    SELECT subscriber, max(last_delivered_at) AS last_delivered_at
    FROM messaging.subscription GROUP BY subscriber
) AS known
CROSS JOIN LATERAL (
    SELECT count(*), min(position) AS oldest FROM (
        SELECT position FROM messaging.delivery
        WHERE subscriber = known.subscriber AND dead_at IS NULL AND available_at <= now()
        ORDER BY available_at, position LIMIT $1::bigint
    ) AS counted
) AS due
CROSS JOIN LATERAL (
    SELECT count(*), min(position) AS oldest FROM (
        SELECT position FROM messaging.delivery
        WHERE subscriber = known.subscriber AND dead_at IS NULL AND available_at > now()
        ORDER BY available_at, position LIMIT $1::bigint
    ) AS counted
) AS waiting
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT 1 FROM messaging.delivery
        WHERE subscriber BETWEEN known.subscriber AND known.subscriber AND dead_at IS NOT NULL
        ORDER BY subscriber, position LIMIT $1::bigint
    ) AS counted
) AS dead
LEFT JOIN messaging.event ON event.position = least(due.oldest, waiting.oldest)
ORDER BY known.subscriber
"""


async def lag(reader: Reader, *, counted: int | None = None) -> list[SubscriberLag]:
    """By subscriber, also those that are owed nothing; counts end at `counted`, if given.

    One walk over an index gives both a count and the oldest, whose position the index holds: so
    the age needs no index of its own, which every delivery would pay for.
    """
    return [SubscriberLag(**row) for row in await reader.rows(LAG, counted)]
