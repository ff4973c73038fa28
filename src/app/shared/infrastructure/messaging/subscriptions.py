"""Subscriptions as they are stored: who is owed which events, whether this code has them or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.shared.application.event_bus import EventBus
from app.shared.application.reader import Reader

STORED = """
-- Every subscription, and whether it is among those given.
SELECT subscriber, event_type, strict, last_delivered_at,
    (subscriber, event_type) IN (SELECT * FROM unnest($1::text[], $2::text[])) AS known
FROM messaging.subscription ORDER BY subscriber, event_type
"""

BY_SUBSCRIBER = """
-- The names of all subscribers, and the event types of this one.
SELECT array_agg(DISTINCT subscriber ORDER BY subscriber) AS subscribers,
    array_agg(event_type ORDER BY event_type) FILTER (WHERE subscriber = $1) AS event_types
FROM messaging.subscription
"""


class RefusedError(Exception):
    """What an operator asks for does not fit what is stored. Nothing was changed; one line."""


class UnknownSubscriberError(RefusedError):
    """Nobody of this name has ever subscribed, or it was pruned."""

    def __init__(self, subscriber: str, known: list[str]) -> None:
        super().__init__(f"no subscriber is called {subscriber}; there are: {_listed(known)}")


class UnknownEventTypeError(RefusedError):
    """The subscriber is not owed events of this type."""

    def __init__(self, event_type: str, subscriber: str, known: list[str]) -> None:
        super().__init__(
            f"{subscriber} does not subscribe to {event_type}; it does to: {_listed(known)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Events of one type are owed to one subscriber."""

    subscriber: str
    event_type: str
    strict: bool
    known: bool
    """Whether this code has it; another version, running beside it, may."""
    last_delivered_at: datetime | None


async def subscriptions(reader: Reader, bus: EventBus) -> list[Subscription]:
    """All that are stored, in the order of their names; `bus` is what this code has."""
    pairs = [
        (subscriber.name, event_type)
        for subscriber in bus.subscribers.values()
        for event_type in subscriber.event_types
    ]
    names, event_types = [name for name, _ in pairs], [event_type for _, event_type in pairs]
    return [Subscription(**row) for row in await reader.rows(STORED, names, event_types)]


async def event_types_of(reader: Reader, subscriber: str, only: str | None = None) -> list[str]:
    """The types that it is owed, or the one of them that is asked for.

    Raises `UnknownSubscriberError` and `UnknownEventTypeError`.
    """
    stored = await reader.row(BY_SUBSCRIBER, subscriber)
    event_types: list[str] = (stored and stored["event_types"]) or []
    if not event_types:
        raise UnknownSubscriberError(subscriber, (stored and stored["subscribers"]) or [])
    if only is None:
        return event_types
    if only not in event_types:
        raise UnknownEventTypeError(only, subscriber, event_types)
    return [only]


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
