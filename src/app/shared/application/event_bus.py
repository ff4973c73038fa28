"""The in-memory event bus: which subscriber of this process handles which event, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.shared.domain.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A subscriber that changes its own module's data, exactly once per event.

    `handler(event, work)` gets its module's repositories, opened by `work(transaction)` on the
    transaction of the delivery itself: what it changes and that it was delivered are one commit.
    """

    name: str
    """Stable, `<module>.<what_it_does>`: deliveries are owed to this name."""
    event: type[Event]
    handler: Callable[[Any, Any], Awaitable[None]]
    work: Callable[[Any], Any]
    strict: bool = False
    """Whether a dead letter holds back the later events of its key."""
    max_attempts: int = 8


class DuplicateSubscriberError(Exception):
    """Two subscribers claim one name, so neither would know which deliveries are its own."""


class EventBus:
    """Carries an event to a subscriber inside this process.

    PostgreSQL remembers what is owed to whom; the bus knows only who is here.
    """

    def __init__(self, subscribers: Iterable[Reaction]) -> None:
        self.subscribers: dict[str, Reaction] = {}
        for subscriber in subscribers:
            if subscriber.name in self.subscribers:
                raise DuplicateSubscriberError(subscriber.name)
            self.subscribers[subscriber.name] = subscriber

    def __contains__(self, subscriber: str) -> bool:
        return subscriber in self.subscribers

    async def deliver(self, subscriber: str, event: Event, transaction: object) -> None:
        """Run the subscriber's handler on the transaction; its errors pass through."""
        reaction = self.subscribers[subscriber]
        await reaction.handler(event, reaction.work(transaction))
