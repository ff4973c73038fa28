"""The dispatcher: claims what is due and delivers it, for as long as the process lives."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.backlog import Outcome
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.fail_points import fail_point
from app.shared.infrastructure.failures import warn
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.claiming import Claiming, Delivery
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.delivering import Delivering
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.messaging.workload import PATIENCE, Workload

PATIENCE_WITH_A_CLAIM = 10.0
"""Seconds: longer than any claim takes, and shorter than a dead connection keeps silent."""

_log = structlog.get_logger("app.messaging")


class PoolTooSmallError(Exception):
    """The pool cannot serve the dispatcher's deliveries and anything beside them."""


class Dispatcher:
    """Delivers to the subscribers of this process, `concurrency` reactions at once.

    It asks when the bell rings, and at least every `poll` seconds: so it finds what was published
    by another process, what failed before, and what a dead process had claimed.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        bus: EventBus,
        codec: EventCodec,
        event_log: EventLog,
        bell: Bell,
        *,
        concurrency: int = 8,
        poll: float = 5.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._claiming = Claiming(engine, bus)
        self._delivering = Delivering(engine, bus, codec, event_log, bell.ring, draw=draw)
        self._releasing = self._delivering.releasing
        self._workload = Workload(bus, self._deliver, concurrency=concurrency, eased=self._eased)
        self._bell = bell
        self._concurrency = concurrency
        self._poll = poll
        self._draw = draw
        self._hungry: set[str] = set()
        """The subscribers that may have more due than the last claim took."""
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._ending = asyncio.Lock()

    @property
    def outcomes(self) -> Counter[tuple[str, Outcome]]:
        """How many deliveries of a subscriber ended in which way, since the process started."""
        return self._delivering.outcomes

    @property
    def last_delivered(self) -> dict[str, datetime]:
        """When a subscriber last paid a debt in this process, in UTC."""
        return self._delivering.last_delivered

    @property
    def alive(self) -> bool:
        return self._loop is not None and not self._loop.done()

    def start(self) -> None:
        """Raises `PoolTooSmallError` when the pool has less than `concurrency + 2` connections."""
        pool = self._engine.sync_engine.pool
        if isinstance(pool, QueuePool) and pool.size() < self._concurrency + 2:
            raise PoolTooSmallError(
                f"{self._concurrency} deliveries at once need a pool of {self._concurrency + 2}, "
                f"not {pool.size()}"
            )
        if self.alive:
            return
        self._stopping = False
        self._loop = asyncio.create_task(self._dispatch(), name="dispatcher")

    async def stop(self, grace: float = 10.0) -> None:
        """Stop claiming; what still runs after `grace` seconds is cancelled and given back.

        Whoever calls it a second time waits for the first.
        """
        async with self._ending:
            if self._loop is not None:
                await self._stop(self._loop, grace)
                self._loop = None

    async def _stop(self, dispatching: asyncio.Task[None], grace: float) -> None:
        self._stopping = True
        self._bell.ring()
        try:
            async with asyncio.timeout(grace):
                await dispatching
                fail_point("shutdown")
                await self._give_back(waiting=0.0)
                while running := self._workload.running:
                    await asyncio.wait(running)
        except TimeoutError:
            late = [dispatching, *self._workload.running]
            for task in late:
                task.cancel()
            await self._give_back(waiting=0.0)
            await asyncio.gather(*late, return_exceptions=True)
            await self._releasing.release_kept()

    async def drain(self) -> None:
        """Deliver one after the other until nothing is due; for tests.

        Raises an `ExceptionGroup` of every error that a handler raised; they are recorded too.
        """
        errors: list[Exception] = []
        one_of_each = dict.fromkeys(self._bus.subscribers, 1)
        while True:
            claim = await self._claiming.claim(one_of_each)
            for delivery in claim.deliveries:
                errors += await self._delivering.deliver([delivery])
            if not (claim.deliveries or claim.deferred):
                break
        if errors:
            raise ExceptionGroup("deliveries failed", errors)

    async def _dispatch(self) -> None:
        while not self._stopping:
            await self._claim()
            if not self._workload.has_room_for(self._hungry):
                pause = self._poll * (0.75 + self._draw() / 4)
                await self._bell.wait(min(pause, self._workload.patience))
                await self._give_back(waiting=PATIENCE)

    async def _claim(self) -> None:
        """Take on what there is room for; an outage of the database is waited out."""
        most = self._workload.most(self._hungry)
        self._hungry = self._bus.subscribers.keys() - most.keys()
        try:
            async with asyncio.timeout(PATIENCE_WITH_A_CLAIM):
                await self._releasing.release_kept()
                claim = await self._claiming.claim(most)
        except Exception as error:
            warn(_log, "deliveries wait for the database", error)
            return
        fail_point("after_claim")
        for subscriber, position in claim.died:
            _log.warning("delivery died", subscriber=subscriber, position=position)
            self.outcomes[subscriber, "died"] += 1
        self._hungry |= claim.left
        self._workload.take(claim.deliveries)

    def _eased(self) -> None:
        if self._workload.has_room_for(self._hungry):
            self._bell.ring()

    async def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        try:
            await self._delivering.deliver(deliveries)
        except asyncio.CancelledError:
            await self._releasing.release(deliveries)
            raise
        except Exception as error:
            # Neither its result nor its error was stored: the lease runs out, and it is due again.
            warn(_log, "delivery interrupted", error)

    async def _give_back(self, *, waiting: float) -> None:
        """Other processes may have room for what has waited here for so many seconds."""
        if given_up := self._workload.give_up(waiting=waiting):
            for deliveries in given_up:
                self._releasing.keep(deliveries)
            await self._releasing.release_kept()
