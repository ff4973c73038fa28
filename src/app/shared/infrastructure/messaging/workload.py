"""The workload: what a process has taken on, and how much more of each subscriber it can take."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence, Set
from math import inf
from time import monotonic

from app.shared.application.event_bus import EventBus, Reaction
from app.shared.infrastructure.messaging.claiming import LEASE, Delivery

AHEAD = 0.1
"""Seconds of reactions to claim ahead, at the pace of late. So a claim costs little where they are
quick, and where they are slow none waits here for its turn while another process is idle."""

MOST_AHEAD = 500

PATIENCE = LEASE / 2
"""Seconds that a reaction may wait for its turn here until it is given back."""


class Workload:
    """Runs what was claimed: at most `concurrency` reactions at once, each holds a connection.

    Effects hold none, so each subscriber has room for as many of its own: one that hangs delays
    nobody else. `eased` is called whenever something ended.
    """

    def __init__(
        self,
        bus: EventBus,
        run: Callable[[Sequence[Delivery]], Awaitable[None]],
        *,
        concurrency: int,
        eased: Callable[[], None],
    ) -> None:
        self._run = run
        self._concurrency = concurrency
        self._eased = eased
        self._batches = {
            name: subscriber.batch
            for name, subscriber in bus.subscribers.items()
            if isinstance(subscriber, Reaction)
        }
        self._effects = bus.subscribers.keys() - self._batches.keys()
        self._ahead: deque[tuple[float, list[Delivery]]] = deque()
        """What waits for its turn, and since when."""
        self._reacting: set[asyncio.Task[None]] = set()
        self._calling: set[asyncio.Task[None]] = set()
        self._calls: Counter[str] = Counter()
        self._taken_at = monotonic()
        self._ended = 0

    @property
    def running(self) -> set[asyncio.Task[None]]:
        return self._reacting | self._calling

    @property
    def patience(self) -> float:
        """Seconds until something that waits for its turn has waited too long."""
        if not self._ahead:
            return inf
        return max(0.0, self._ahead[0][0] + PATIENCE - monotonic())

    def most(self, hungry: Set[str]) -> dict[str, int]:
        """How many of each subscriber to claim now; the hungry, who left some, share the room."""
        most = {name: self._concurrency - self._calls[name] for name in self._effects}
        if room := self._room():
            sharing = len(hungry & self._batches.keys()) or 1
            for name, batch in self._batches.items():
                among = sharing if name in hungry else len(self._batches)
                most[name] = max(room // among, batch)
        return {name: count for name, count in most.items() if count > 0}

    def has_room_for(self, hungry: Set[str]) -> bool:
        """Whether a claim for these subscribers would be worth its cost now."""
        if any(self._calls[name] < self._concurrency for name in hungry & self._effects):
            return True
        return bool(hungry & self._batches.keys()) and self._room() > self._claimable_ahead() // 2

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Begin with them, or let them wait for their turn."""
        now = monotonic()
        self._taken_at, self._ended = now, 0
        by_subscriber: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            by_subscriber.setdefault(delivery.subscriber, []).append(delivery)
        for name, own in by_subscriber.items():
            size = self._batches.get(name, 1)
            for start in range(0, len(own), size):
                batch = own[start : start + size]
                if name in self._effects:
                    self._call(batch)
                else:
                    self._ahead.append((now, batch))
        self._begin()

    def give_up(self, *, waiting: float) -> list[list[Delivery]]:
        """What has waited for its turn that long, in seconds; it is no longer taken on."""
        given_up = []
        while self._ahead and monotonic() - self._ahead[0][0] >= waiting:
            given_up.append(self._ahead.popleft()[1])
        return given_up

    def _begin(self) -> None:
        while self._ahead and len(self._reacting) < self._concurrency:
            _, batch = self._ahead.popleft()
            task = asyncio.create_task(self._react(batch))
            self._reacting.add(task)
            task.add_done_callback(self._reacted)

    async def _react(self, batch: Sequence[Delivery]) -> None:
        await self._run(batch)
        self._ended += len(batch)

    def _reacted(self, task: asyncio.Task[None]) -> None:
        self._reacting.discard(task)
        if not task.cancelled():
            self._begin()
        self._eased()

    def _call(self, batch: Sequence[Delivery]) -> None:
        name = batch[0].subscriber

        def called(task: asyncio.Task[None]) -> None:
            self._calling.discard(task)
            self._calls[name] -= 1
            self._eased()

        task = asyncio.ensure_future(self._run(batch))
        self._calling.add(task)
        self._calls[name] += 1
        task.add_done_callback(called)

    def _room(self) -> int:
        waiting = sum(len(batch) for _, batch in self._ahead)
        free = self._concurrency - len(self._reacting)
        return max(0, free + self._claimable_ahead() - waiting)

    def _claimable_ahead(self) -> int:
        pace = self._ended / max(monotonic() - self._taken_at, 0.001)
        return min(int(pace * AHEAD), MOST_AHEAD)
