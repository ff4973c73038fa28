"""The scheduler: runs jobs at their times, for as long as the process lives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from app.shared.application.schedule import BadScheduleError, Job
from app.shared.infrastructure.failures import described, warn
from app.shared.infrastructure.scheduling.single_flight import Lock, SingleFlight
from app.shared.infrastructure.scheduling.stored_jobs import JobState, Run, StoredJobs
from app.shared.infrastructure.scheduling.timetable import following

LONGEST_PAUSE = 30.0
"""Seconds between two looks at what is due: how late a process notices that another one died."""

PAUSE_IN_AN_OUTAGE = 5.0

_log = structlog.get_logger("app.schedule")


class Scheduler:
    """Runs this process's share of the jobs, one after the other.

    What is due is tried by every process that has the job; PostgreSQL's lock decides for one.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        stored: StoredJobs,
        single_flight: SingleFlight,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Raises `BadScheduleError`."""
        self.jobs: dict[str, Job] = {}
        for job in jobs:
            if job.name in self.jobs:
                raise BadScheduleError(f"job {job.name}: two jobs have this name")
            following(job, datetime.now(UTC))
            self.jobs[job.name] = job
        self._stored = stored
        self._single_flight = single_flight
        self._draw = draw
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises `DatabaseUnavailableError`."""
        await self._stored.register(self.jobs.values())
        self._loop = asyncio.create_task(self._watch(), name="scheduler")

    async def stop(self) -> None:
        """A job that runs is cancelled and given back: it is due at once, for another process."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None

    async def run_due(self) -> float:
        """Run whatever is due and not running elsewhere; in how many seconds to look again."""
        pause, ran = LONGEST_PAUSE, False
        for name, wait in await self._stored.waits(self.jobs):
            if wait > 0:
                pause = min(pause, wait)
            elif await self._run(self.jobs[name], at_once=False):
                ran = True
        return 0.0 if ran else pause

    async def run_now(self, name: str) -> Run | None:
        """Run it whether or not it is due; None when it is running elsewhere.

        Raises `KeyError` for a name that is not among `jobs`.
        """
        job = self.jobs[name]
        await self._stored.register([job])
        return await self._run(job, at_once=True)

    async def states(self) -> list[JobState]:
        """All jobs, by name: those of this code, and those that only the database remembers."""
        return list(await self._stored.states(self.jobs))

    async def _watch(self) -> None:
        while True:
            try:
                pause = await self.run_due()
            except Exception as error:
                pause = PAUSE_IN_AN_OUTAGE
                warn(_log, "scheduled work waits for the database", error)
            # A moment late, each process another one: most then find it taken, without a try.
            await asyncio.sleep(pause + self._draw())

    async def _run(self, job: Job, *, at_once: bool) -> Run | None:
        """None when another process has it, or had it a moment ago."""
        async with self._single_flight.holding(job.name) as lock:
            if lock is None:
                return None
            started = await self._stored.begin(job.name, at_once=at_once)
            if started is None:
                return None
            try:
                run = await self._outcome(job, lock)
            except asyncio.CancelledError:
                with suppress(Exception):
                    await self._stored.end(job.name, started, Run(outcome="interrupted"), started)
                raise
            if run.outcome != "interrupted":
                await self._stored.end(job.name, started, run, following(job, started))
            return run

    async def _outcome(self, job: Job, lock: Lock) -> Run:
        """Raises `CancelledError` only when this process stops."""
        log = _log.bind(job=job.name)
        limit = asyncio.timeout(job.timeout.total_seconds())
        work = asyncio.ensure_future(job.work())
        lock.when_lost(work.cancel)
        try:
            async with limit:
                result = await work
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            log.warning("job interrupted", lock_lost=lock.lost)
            return Run(outcome="interrupted")
        except Exception as error:
            log.warning("job failed", timed_out=limit.expired(), exc_info=error)
            late = f"longer than {job.timeout.total_seconds():g} s"
            return Run(outcome="failed", error=late if limit.expired() else described(error))
        log.info("job done", result=result)
        return Run(outcome="done", result=None if result is None else str(result))
