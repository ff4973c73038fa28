"""The broker as a port: what an event has to cross to reach a service with another database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, runtime_checkable

from app.shared.application.event_bus import StoredEvent

Receive = Callable[[StoredEvent], Awaitable[None]]
"""Keeps an event that arrived. `Discard` gives it up; any other error asks for it again."""


class NotStoredError(Exception):
    """The broker is out of reach, or did not confirm that it stored the event; it may have."""


@runtime_checkable
class Broker(Protocol):
    """Carries events between services, at least once, those of one key in their order.

    It knows an event by its id: one that is published again is the same one.
    """

    async def open(self) -> None:
        """Keep connected from now on; returns soon, whether or not the broker is there."""

    async def close(self) -> None: ...

    async def publish(self, event: StoredEvent) -> None:
        """Return when it is stored; raises `NotStoredError` when that took too long."""

    async def consume(self, types: Collection[str], receive: Receive) -> None:
        """Hand over events of these types, one after the other, until cancelled.

        The next one comes when the last was kept or given up, in whichever process of the service.
        """
