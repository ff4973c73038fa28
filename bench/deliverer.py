"""A worker under measurement: delivers, claims or publishes as it is told, one order per line."""

import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import uvloop

from app.database import create_engine
from app.shared.application.event_bus import EventBus, Reaction
from app.shared.domain.event import Event
from app.shared.infrastructure.messaging import ledger
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.claiming import Claiming
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.log import EventLog, register_subscriptions
from app.shared.infrastructure.statements import Statements
from app.shared.infrastructure.unit_of_work import open_session

CONCURRENCY = 4
SUBSCRIBER = "bench.note"
CLAIMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Nothing happened, to nobody."""

    name: ClassVar[str] = "bench.noted"

    series: str

    @property
    def key(self) -> str:
        return self.series


async def do_nothing(_: Noted, __: object) -> None:
    """The reaction whose own cost is left out of account."""


class Deliverer:
    """One process's messaging, as `app worker` has it, with one subscriber."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_size=CONCURRENCY + 2, pool_timeout=10)
        self.statements = Statements(url, pool_size=1, pool_timeout=10)
        self._codec = EventCodec([Noted])
        self._event_log = EventLog(self._codec)
        self._bell = Bell()

    async def subscribe(self) -> None:
        await register_subscriptions(self.statements, self._bus(do_nothing, 1))

    async def deliver(self, count: int, batch: int) -> dict[str, float]:
        """Until `count` were handled: how long, and how much of this process's CPU, in seconds."""
        handled, enough = 0, asyncio.Event()

        async def tick(_: Noted, __: object) -> None:
            nonlocal handled
            handled += 1
            if handled >= count:
                enough.set()

        dispatcher = self._dispatcher(tick, batch)
        used, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        dispatcher.start()
        await enough.wait()
        seconds, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
        await dispatcher.stop()
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        return {"handled": handled, "seconds": seconds, "cpu": cpu}

    async def claim(self, times: int) -> dict[str, list[float]]:
        """How many milliseconds each of so many claims takes; nothing claimed is delivered."""
        claiming = Claiming(self._engine, self._bus(do_nothing, 1))
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            claim = await claiming.claim({SUBSCRIBER: CLAIMED})
            took.append((time.perf_counter() - begun) * 1000)
            if claim.deliveries:
                async with self._engine.begin() as connection:
                    await ledger.release(connection, claim.deliveries, after=0)
        return {"ms": took}

    async def react(self, times: int) -> dict[str, list[float]]:
        """How many milliseconds pass from a commit to the reaction, in a process that idles."""
        reacted = asyncio.Queue[float]()

        async def note(_: Noted, __: object) -> None:
            reacted.put_nowait(time.perf_counter())

        dispatcher = self._dispatcher(note, 1)
        dispatcher.start()
        took = []
        for nth in range(times):
            await asyncio.sleep(0.03)
            async with open_session(self._engine) as session:
                await self._event_log.publish(session, [Noted(series=str(nth))])
                await session.commit()
            committed = time.perf_counter()
            self._bell.ring()
            took.append((await reacted.get() - committed) * 1000)
        await dispatcher.stop()
        return {"ms": took}

    def _dispatcher(self, handler: Callable[..., Awaitable[None]], batch: int) -> Dispatcher:
        return Dispatcher(
            self._engine,
            self._bus(handler, batch),
            self._codec,
            self._event_log,
            self._bell,
            concurrency=CONCURRENCY,
        )

    def _bus(self, handler: Callable[..., Awaitable[None]], batch: int) -> EventBus:
        def work(transaction: object) -> object:
            return transaction

        return EventBus(
            [Reaction(name=SUBSCRIBER, event=Noted, handler=handler, work=work, batch=batch)]
        )


async def serve(url: str) -> None:
    deliverer = Deliverer(url)
    await deliverer.subscribe()
    orders: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
        "deliver": deliverer.deliver,
        "claim": deliverer.claim,
        "react": deliverer.react,
    }
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        answer = await orders[order.pop("do")](**order)
        print(json.dumps(answer), flush=True)


def quantile(milliseconds: list[float], hundredths: int) -> float:
    return statistics.quantiles(milliseconds, n=100, method="inclusive")[hundredths - 1]


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
