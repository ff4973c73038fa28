"""Schedulers of several processes on one database, and a way to let time pass for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import pytest

from app.database import asyncpg_dsn
from app.shared.application.schedule import Job
from app.shared.infrastructure.scheduling.scheduler import Scheduler
from app.shared.infrastructure.scheduling.single_flight import LOCKS, SingleFlight
from app.shared.infrastructure.scheduling.stored_jobs import JobState, StoredJobs
from app.shared.infrastructure.statements import Statements

CONNECT_TIMEOUT = 60.0
HOURLY = timedelta(hours=1)


@dataclass
class Schedule:
    """The stored jobs, and processes that run them."""

    url: str
    statements: Statements

    async def process(self, *jobs: Job, draw: Callable[[], float] = lambda: 0.0) -> Scheduler:
        """A scheduler that has registered its jobs and does nothing by itself."""
        stored = StoredJobs(self.statements)
        await stored.register(jobs)
        single_flight = SingleFlight(self.url, connect_timeout=CONNECT_TIMEOUT)
        return Scheduler(jobs, stored, single_flight, draw=draw)

    async def make_due(self, *names: str, since: timedelta = timedelta(0)) -> None:
        await self.statements.rows(
            "UPDATE schedule.job SET next_due_at = clock_timestamp() - $2::interval"
            " WHERE name = ANY($1)",
            list(names),
            since,
        )

    async def state(self, name: str) -> JobState:
        """As a process sees it that has none of the jobs."""
        states = await StoredJobs(self.statements).states({})
        return next(state for state in states if state.name == name)

    async def due_in(self, name: str) -> timedelta:
        due: timedelta = await self.statements.value(
            "SELECT next_due_at - clock_timestamp() FROM schedule.job WHERE name = $1", name
        )
        return due

    async def end_connections_with_locks(self) -> int:
        ended: int = await self.statements.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = $1::int::oid",
            LOCKS,
        )
        return ended

    async def until_free(self, name: str) -> None:
        """Wait in PostgreSQL until nobody has the lock of this job."""
        connection = await asyncpg.connect(asyncpg_dsn(self.url))
        async with asyncio.timeout(60):
            await connection.execute(f"SELECT pg_advisory_lock({LOCKS}, hashtext('{name}'))")
        await connection.close()


@dataclass
class Work:
    """The work of a job: tells that it began, and ends when the test says so."""

    returns: int | None = None
    raises: BaseException | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    go_on: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    runs: int = field(default=0, init=False)
    ended: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.go_on.set()

    def waits(self) -> Work:
        self.go_on.clear()
        return self

    async def has_begun(self) -> None:
        async with asyncio.timeout(60):
            await self.begun.wait()

    async def __call__(self) -> int | None:
        self.runs += 1
        self.begun.set()
        await self.go_on.wait()
        if self.raises is not None:
            raise self.raises
        self.ended += 1
        return self.returns


class Looks:
    """Counts the looks of a loop, which draws a part of its pause after each."""

    def __init__(self) -> None:
        self._over = asyncio.Event()

    def __call__(self) -> float:
        self._over.set()
        return 0.0

    async def more(self, count: int) -> None:
        """Wait for the end of so many looks; all but the first have begun after the call."""
        async with asyncio.timeout(60):
            for _ in range(count):
                self._over.clear()
                await self._over.wait()


Beside = Callable[[Coroutine[None, None, object]], asyncio.Task[object]]


@pytest.fixture
def schedule(database: str, statements: Statements) -> Schedule:
    return Schedule(database, statements)


@pytest.fixture
async def beside() -> AsyncIterator[Beside]:
    """Runs something beside the test; what is left at its end is cancelled."""
    tasks: list[asyncio.Task[object]] = []

    def run(work: Coroutine[None, None, object]) -> asyncio.Task[object]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
