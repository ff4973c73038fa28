"""The dispatcher: claims what is due and delivers it, for as long as the process lives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import structlog
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.claiming import Claiming, Delivery
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.delivering import Delivering
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.outages import is_outage

_log = structlog.get_logger("app.messaging")


class PoolTooSmallError(Exception):
    """The pool cannot serve the dispatcher's deliveries and anything beside them."""


class Dispatcher:
    """Delivers to the subscribers of this process, at most `concurrency` at once.

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
        self._claiming = Claiming(engine, bus)
        self._delivering = Delivering(engine, bus, codec, event_log, bell.ring, draw=draw)
        self._bell = bell
        self._concurrency = concurrency
        self._poll = poll
        self._draw = draw
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Raises `PoolTooSmallError` when the pool has less than `concurrency + 2` connections."""
        pool = self._engine.sync_engine.pool
        if isinstance(pool, QueuePool) and pool.size() < self._concurrency + 2:
            raise PoolTooSmallError(
                f"{self._concurrency} deliveries at once need a pool of {self._concurrency + 2}, "
                f"not {pool.size()}"
            )
        self._stopping = False
        self._loop = asyncio.create_task(self._dispatch(), name="dispatcher")

    async def stop(self, grace: float = 10.0) -> None:
        """Stop claiming; what still runs after `grace` seconds is cancelled and given back."""
        if self._loop is None:
            return
        self._stopping = True
        self._bell.ring()
        try:
            async with asyncio.timeout(grace):
                await self._loop
                await self._until_running(0)
        except TimeoutError:
            late = [self._loop, *self._running]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._loop = None

    async def drain(self) -> None:
        """Deliver one after the other until nothing is due; for tests.

        Raises an `ExceptionGroup` of every error that a handler raised; they are recorded too.
        """
        errors = []
        while True:
            claim = await self._claiming.claim(1)
            for delivery in claim.deliveries:
                if error := await self._delivering.deliver(delivery):
                    errors.append(error)
            if not claim.more:
                break
        if errors:
            raise ExceptionGroup("deliveries failed", errors)

    async def _dispatch(self) -> None:
        while not self._stopping:
            await self._until_running(self._concurrency // 2)
            if not await self._claim() and not self._stopping:
                await self._bell.wait(self._poll * (0.75 + self._draw() / 4))

    async def _claim(self) -> bool:
        """Whether it is worth asking again at once; an outage of the database is waited out."""
        try:
            claim = await self._claiming.claim(self._concurrency - len(self._running))
        except Exception as error:
            _warn("deliveries wait for the database", error)
            return False
        for delivery in claim.deliveries:
            task = asyncio.create_task(self._deliver(delivery))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return claim.more

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._delivering.deliver(delivery)
        except asyncio.CancelledError:
            await self._delivering.release(delivery)
            raise
        except Exception as error:
            # Neither its result nor its error was stored: the lease runs out, and it is due again.
            _warn("delivery interrupted", error)

    async def _until_running(self, most: int) -> None:
        """Wait until no more than `most` deliveries run."""
        while len(self._running) > most:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)


def _warn(what: str, error: Exception) -> None:
    """An outage explains itself; anything else is a defect, shown with its place."""
    _log.warning(what, error=type(error).__name__, exc_info=None if is_outage(error) else error)
