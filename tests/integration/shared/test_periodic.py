"""Periodic work: goes on whatever becomes of single runs."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.infrastructure.periodic import Periodic


class Work:
    """Runs as the test says; tells when it has run often enough."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.runs = 0
        self._outcomes = list(outcomes)
        self._ran = asyncio.Condition()

    async def __call__(self) -> None:
        async with self._ran:
            self.runs += 1
            self._ran.notify_all()
        if self._outcomes and (error := self._outcomes.pop(0)):
            raise error

    async def has_run(self, times: int) -> None:
        async with asyncio.timeout(60), self._ran:
            await self._ran.wait_for(lambda: self.runs >= times)


async def test_work_is_repeated_until_it_is_stopped() -> None:
    work = Work()
    periodic = Periodic(name="test", seconds=0.001, work=work)
    await periodic.start()
    await work.has_run(3)

    await periodic.stop()

    runs = work.runs
    await asyncio.sleep(0)
    assert work.runs == runs


async def test_work_goes_on_after_outages_and_defects() -> None:
    work = Work(DatabaseUnavailableError(), ZeroDivisionError(), None)
    periodic = Periodic(name="test", seconds=0.001, work=work)

    await periodic.start()
    await work.has_run(4)

    await periodic.stop()


async def test_a_pause_that_ends_sooner_makes_the_work_run_sooner() -> None:
    work, paused = Work(), asyncio.Queue[float]()

    async def pause(seconds: float) -> None:
        paused.put_nowait(seconds)
        await asyncio.sleep(0)

    periodic = Periodic(name="test", seconds=3_600, work=work, pause=pause)

    await periodic.start()
    await work.has_run(3)

    await periodic.stop()
    assert {await paused.get() for _ in range(3)} == {3_600}


async def test_an_outage_is_told_of_once_and_so_is_its_end() -> None:
    away = DatabaseUnavailableError()
    work = Work(away, away, away, None, None, away)
    periodic = Periodic(name="test", seconds=0.001, work=work)

    with capture_logs() as told:
        await periodic.start()
        await work.has_run(8)
        await periodic.stop()

    once = ["periodic work postponed", "periodic work resumed"]
    assert [each["event"] for each in told] == once * 2


async def test_what_has_to_succeed_before_serving_is_waited_for() -> None:
    work = Work()
    periodic = Periodic(name="test", seconds=3_600, work=work, before_serving=True)

    await periodic.start()

    assert work.runs == 1
    await periodic.stop()
    assert work.runs == 1


async def test_a_failed_first_run_stops_the_start() -> None:
    periodic = Periodic(
        name="test",
        seconds=3_600,
        work=Work(DatabaseUnavailableError()),
        before_serving=True,
    )

    with pytest.raises(DatabaseUnavailableError):
        await periodic.start()

    await periodic.stop()


async def test_what_is_due_at_the_end_runs_once_more() -> None:
    work = Work(ZeroDivisionError())
    periodic = Periodic(name="test", seconds=3_600, work=work, at_the_end=True)
    await periodic.start()

    await periodic.stop()

    assert work.runs == 1
    await periodic.stop()
    assert work.runs == 1
