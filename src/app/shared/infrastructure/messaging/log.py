"""Publishing: events and the deliveries that they owe, in the transaction of the change itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars, get_contextvars

from app.shared.application.event_bus import EventBus, StoredEvent
from app.shared.domain.event import Event
from app.shared.domain.ids import new_id
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.statements import Statements

PUBLISH = """
-- Store events, numbered in the order given, and one delivery per subscription of their types.
WITH published AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT id, type, version, key, payload, $6::jsonb, now()
    FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::jsonb[])
        AS given (id, type, version, key, payload)
    RETURNING position, type, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict)
SELECT published.position, subscription.subscriber, published.key, subscription.strict
FROM published JOIN messaging.subscription ON subscription.event_type = published.type
"""

RECEIVE = """
-- Store an event of another system under its own id, with its deliveries; once, however often it
-- arrives.
WITH received AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO NOTHING
    RETURNING position, type, key
), owed AS (
    INSERT INTO messaging.delivery (position, subscriber, key, strict)
    SELECT received.position, subscription.subscriber, received.key, subscription.strict
    FROM received JOIN messaging.subscription ON subscription.event_type = received.type
)
SELECT count(*) > 0 FROM received
"""

SUBSCRIBE = """
-- Make the subscriptions of this process known; a row that says the same already is not rewritten.
-- It is locked, though: in one order, which all who lock several keep to.
INSERT INTO messaging.subscription AS known (subscriber, event_type, strict)
SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) AS given (subscriber, event_type, strict)
ORDER BY subscriber, event_type
ON CONFLICT (subscriber, event_type) DO UPDATE SET strict = excluded.strict
WHERE known.strict <> excluded.strict
"""

_META = {
    "request_id": "correlation_id",
    "causation_id": "causation_id",
    "traceparent": "traceparent",
    "actor": "actor",
}
"""Variable of the log context → its name in an event's meta."""


@contextmanager
def caused_by(event_id: UUID, meta: Mapping[str, str]) -> Iterator[None]:
    """Log and publish inside as part of what the event belongs to."""
    context = {variable: meta[name] for variable, name in _META.items() if name in meta}
    with bound_contextvars(**context | {"causation_id": str(event_id)}):
        yield


class EventLog:
    """The append-only log of what happened."""

    def __init__(self, codec: EventCodec) -> None:
        self._codec = codec

    async def publish(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Append the events in the session's transaction, in one statement.

        Flush before: the rows of the changed aggregates must be locked when the events are
        numbered, so that each aggregate's events are numbered in the order of its commits.
        """
        context = get_contextvars()
        meta = {
            name: str(context[variable]) for variable, name in _META.items() if variable in context
        }
        encoded = [self._codec.encode(event) for event in events]
        names, versions, keys, payloads = (list(column) for column in zip(*encoded, strict=True))
        connection = await session.connection()
        await connection.exec_driver_sql(
            PUBLISH,
            ([new_id() for _ in events], names, versions, keys, payloads, json.dumps(meta)),
        )

    async def receive(self, statements: Statements, event: StoredEvent) -> bool:
        """Whether it is new here; the unique id is the inbox."""
        meta = json.dumps(dict(event.meta))
        this = (event.id, event.type, event.version, event.key, event.payload, meta)
        return bool(await statements.value(RECEIVE, *this, event.occurred_at))


async def register_subscriptions(statements: Statements, bus: EventBus) -> None:
    """Let publishing owe events to the subscribers of this process from now on."""
    subscriptions = [
        (subscriber.name, event_type, subscriber.strict)
        for subscriber in bus.subscribers.values()
        for event_type in subscriber.event_types
    ]
    names, event_types, strict = zip(*subscriptions, strict=True) if subscriptions else ((), (), ())
    await statements.rows(SUBSCRIBE, names, event_types, strict)
