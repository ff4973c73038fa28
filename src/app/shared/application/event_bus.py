"""The in-memory event bus: which subscriber of this process handles which event, and how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.shared.application.composition import CompositionError
from app.shared.domain.event import Event

MOST_ATTEMPTS = 32_767


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the log has it, to be read or passed on without knowing its class."""

    id: UUID
    type: str
    version: int
    key: str | None
    payload: str
    """JSON."""
    meta: Mapping[str, str]
    occurred_at: datetime


class BadSubscriberError(CompositionError):
    """A subscriber asks for what no delivery can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber(ABC):
    """The parent of the three kinds; every delivery is owed to one name."""

    name: str
    """Stable, `<module>.<what_it_does>`: deliveries are owed to this name."""
    strict: bool = False
    """Whether a dead letter holds back the later events of its key."""
    max_attempts: int = 8
    """From 1 to 32 767."""
    timeout: timedelta = timedelta(seconds=30)
    """How long its handler may take; then it has failed."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_attempts <= MOST_ATTEMPTS:
            raise BadSubscriberError(
                f"subscriber {self.name}: `max_attempts` is not from 1 to {MOST_ATTEMPTS}"
            )

    @property
    @abstractmethod
    def event_types(self) -> tuple[str, ...]:
        """The names of the events that are owed to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Subscriber):
    """A subscriber that changes its own module's data, exactly once per event.

    `handler(event, work)` gets its module's repositories, opened by `work(transaction)` on the
    transaction of the delivery itself: what it changes and that it was delivered are one commit.
    """

    event: type[Event]
    handler: Callable[[Any, Any], Awaitable[None]]
    work: Callable[[Any], Any]
    batch: int = 1
    """How many deliveries may share one transaction; where one of them fails, each gets its own."""

    @property
    def event_types(self) -> tuple[str, ...]:
        return (self.event.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Subscriber):
    """A subscriber that calls out (mail, HTTP), at least once per event.

    `handler(event, idempotency_key)` runs without a transaction. The key is the same at every
    attempt: give it to whatever is called, so that a repetition can be told from a second order.
    """

    event: type[Event]
    handler: Callable[[Any, str], Awaitable[None]]

    @property
    def event_types(self) -> tuple[str, ...]:
        return (self.event.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay(Subscriber):
    """An effect on events of many types, which `send` passes on as they are stored.

    Nothing is decoded, so what a newer process published is passed on as well. The idempotency
    key of what arrives elsewhere is the event's id.
    """

    types: tuple[str, ...]
    send: Callable[[StoredEvent], Awaitable[None]]

    @property
    def event_types(self) -> tuple[str, ...]:
        return self.types


class Retry(Exception):  # noqa: N818  # what the handler asks for, not what went wrong
    """Raised by a handler that knows when to try again; the attempt counts."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"after {after}")
        self.after = after


class Discard(Exception):  # noqa: N818  # what the handler asks for, not what went wrong
    """Raised by a handler for an event that it will never be able to handle, nor need to.

    What it did in its transaction is undone and the delivery is owed no longer. The reason is
    logged: it must not hold personal data.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DuplicateSubscriberError(CompositionError):
    """Two subscribers claim one name, so neither would know which deliveries are its own."""


class EventBus:
    """Carries an event to its subscribers inside this process.

    PostgreSQL remembers what is owed to whom; the bus knows only who is here.
    """

    def __init__(self, subscribers: Iterable[Subscriber]) -> None:
        self.subscribers: dict[str, Subscriber] = {}
        for subscriber in subscribers:
            if subscriber.name in self.subscribers:
                raise DuplicateSubscriberError(f"two subscribers are called {subscriber.name}")
            self.subscribers[subscriber.name] = subscriber

    def __contains__(self, subscriber: str) -> bool:
        return subscriber in self.subscribers

    def __getitem__(self, subscriber: str) -> Subscriber:
        return self.subscribers[subscriber]

    @property
    def events(self) -> set[type[Event]]:
        """The classes that its subscribers handle."""
        return {
            subscriber.event
            for subscriber in self.subscribers.values()
            if isinstance(subscriber, Reaction | Effect)
        }
