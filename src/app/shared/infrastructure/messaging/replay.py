"""Replay: what happened is owed to a subscriber anew, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.shared.infrastructure.messaging.subscriptions import RefusedError, event_types_of
from app.shared.infrastructure.statements import Statements

SPAN = """
-- The moments meant, and the first and last event of these types between them.
SELECT since, until, since > now() AS ahead, first, last
FROM (
    SELECT coalesce($2::timestamptz, now() - $3::interval) AS since,
        coalesce($4::timestamptz, now() - $5::interval) AS until
) AS moments
CROSS JOIN LATERAL (
    SELECT min(position + 0) AS first, max(position + 0) AS last FROM messaging.event
    WHERE type = ANY ($1::text[]) AND occurred_at >= since AND occurred_at < until
) AS found
"""

REPLAY = """
-- Walk the next $7 events up to $3 and owe those meant to $1; what is still owed stays as it is.
-- Their rows are locked, so that a purge leaves them alone, or has been before.
WITH walked AS MATERIALIZED (
    SELECT position FROM messaging.event
    WHERE position > $2 AND position <= $3 ORDER BY position LIMIT $7
), meant AS MATERIALIZED (
    SELECT event.position, event.key, subscription.strict
    FROM walked JOIN messaging.event USING (position)
    JOIN messaging.subscription ON subscriber = $1 AND event_type = event.type
    WHERE event.type = ANY ($4::text[]) AND occurred_at >= $5 AND occurred_at < $6
    FOR KEY SHARE OF event
), owed AS (
    INSERT INTO messaging.delivery (position, subscriber, key, strict)
    SELECT position, $1, key, strict FROM meant ORDER BY position
    ON CONFLICT (position, subscriber) DO NOTHING
    RETURNING position
)
SELECT (SELECT max(position) FROM walked) AS last, (SELECT count(*) FROM owed) AS anew,
    count(*) FILTER (WHERE delivery.dead_at IS NOT NULL) AS dead, count(*) AS meant
FROM meant LEFT JOIN messaging.delivery
    ON delivery.position = meant.position AND delivery.subscriber = $1
"""


class EmptySpanError(RefusedError):
    """The span ends before it begins."""


Moment = datetime | timedelta
"""A point in time, or how long ago it was by the database's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of the events of a span."""

    since: datetime
    until: datetime
    owed_anew: int = 0
    already_owed: int = 0
    """Not delivered yet, and delivered once."""
    dead: int = 0
    """Dead letters, which stay dead until they are revived."""


Progress = Callable[[int, int], None]
"""Told how much of the way is walked, and how long it is."""


async def replay(
    statements: Statements,
    subscriber: str,
    *,
    since: Moment,
    until: Moment = timedelta(0),
    event_type: str | None = None,
    batch: int = 1000,
    progress: Progress = lambda _walked, _all: None,
) -> Replayed:
    """Owe the events of the span, `until` excluded, anew to a subscriber of their types.

    Each batch is a transaction of its own. Whatever ends this, it may be called again: what is
    still owed is not owed twice, what was delivered meanwhile is delivered again. Within a key a
    replayed event comes before all later ones that are owed, but may run beside one that has begun.

    Raises, before anything is owed, `EmptySpanError`, `UnknownSubscriberError`, and
    `UnknownEventTypeError` for a type to which the subscriber does not subscribe.
    """
    types = await event_types_of(statements, subscriber, event_type)
    span = await statements.row(SPAN, types, *_either(since), *_either(until))
    if span and span["ahead"]:
        raise EmptySpanError("--since is in the future")
    if span is None or span["since"] >= span["until"]:
        raise EmptySpanError("the time span ends before it begins")
    replayed = Replayed(since=span["since"], until=span["until"])
    if span["first"] is None:
        return replayed
    first, last = span["first"], span["last"]
    after = first - 1
    while after < last:
        walk = await statements.row(
            REPLAY, subscriber, after, last, types, replayed.since, replayed.until, batch
        )
        if walk is None or walk["last"] is None:
            break
        replayed = replace(
            replayed,
            owed_anew=replayed.owed_anew + walk["anew"],
            already_owed=replayed.already_owed + walk["meant"] - walk["anew"] - walk["dead"],
            dead=replayed.dead + walk["dead"],
        )
        after = walk["last"]
        progress(after - first + 1, last - first + 1)
    return replayed


def _either(moment: Moment) -> tuple[datetime | None, timedelta | None]:
    return (moment, None) if isinstance(moment, datetime) else (None, moment)
