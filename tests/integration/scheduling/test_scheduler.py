"""Jobs run at their times, each in one process at a time, whatever becomes of single runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.shared.application.reader import Row
from app.shared.application.schedule import BadScheduleError, Job
from app.shared.infrastructure.scheduling.scheduler import LONGEST_PAUSE, Scheduler
from app.shared.infrastructure.scheduling.single_flight import SingleFlight
from app.shared.infrastructure.scheduling.stored_jobs import StoredJobs
from app.shared.infrastructure.statements import Statements
from tests.integration.scheduling.conftest import HOURLY, Looks, Schedule, Work

NOWHERE = "postgresql://nowhere"


async def test_a_new_job_waits_for_its_first_time(schedule: Schedule) -> None:
    work = Work()
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=work))

    pause = await process.run_due()

    assert work.runs == 0
    assert pause == LONGEST_PAUSE
    assert HOURLY - timedelta(minutes=1) < await schedule.due_in("lab.count") < HOURLY


async def test_the_pause_ends_when_the_next_job_is_due(schedule: Schedule) -> None:
    jobs = [Job(name=f"lab.{name}", every=HOURLY, work=Work()) for name in ("first", "second")]
    process = await schedule.process(*jobs)
    await schedule.make_due("lab.second", since=timedelta(seconds=-20))

    pause = await process.run_due()

    assert 0 < pause < 20


async def test_a_job_that_is_due_runs_and_is_due_again_an_interval_after_its_start(
    schedule: Schedule,
) -> None:
    work = Work(returns=3)
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=work))
    await schedule.make_due("lab.count")

    assert await process.run_due() == 0.0
    assert await process.run_due() == LONGEST_PAUSE

    state = await schedule.state("lab.count")
    assert (work.runs, state.outcome, state.result, state.error) == (1, "done", "3", None)
    assert state.started_at is not None
    assert state.seconds is not None
    assert state.seconds >= 0
    assert HOURLY - timedelta(minutes=1) < await schedule.due_in("lab.count") < HOURLY


async def test_times_that_nobody_was_there_for_are_made_up_for_by_one_run(
    schedule: Schedule,
) -> None:
    every_hour, at_noon = Work(), Work()
    process = await schedule.process(
        Job(name="lab.hourly", every=HOURLY, work=every_hour),
        Job(name="lab.daily", cron="0 12 * * *", work=at_noon),
    )
    await schedule.make_due("lab.hourly", "lab.daily", since=timedelta(days=9))

    await process.run_due()
    await process.run_due()

    assert (every_hour.runs, at_noon.runs) == (1, 1)
    assert timedelta(0) < await schedule.due_in("lab.daily") <= timedelta(days=1)


async def test_a_failing_job_is_recorded_by_kind_and_the_others_go_on(
    schedule: Schedule,
) -> None:
    other = Work()
    process = await schedule.process(
        Job(name="lab.fails", every=HOURLY, work=Work(raises=ValueError("ada@example.com"))),
        Job(name="lab.works", every=HOURLY, work=other),
    )
    await schedule.make_due("lab.fails", "lab.works")

    await process.run_due()

    state = await schedule.state("lab.fails")
    assert (state.outcome, state.result) == ("failed", None)
    assert state.error is not None
    assert state.error.startswith("ValueError in __call__, line ")
    assert "ada" not in state.error
    assert other.ended == 1
    assert HOURLY - timedelta(minutes=1) < await schedule.due_in("lab.fails") < HOURLY


async def test_a_job_over_its_time_is_cancelled_and_recorded(schedule: Schedule) -> None:
    work = Work().waits()
    short = timedelta(milliseconds=1)
    process = await schedule.process(Job(name="lab.slow", every=HOURLY, timeout=short, work=work))
    await schedule.make_due("lab.slow")

    async with asyncio.timeout(60):
        await process.run_due()

    state = await schedule.state("lab.slow")
    assert (work.ended, state.outcome, state.error) == (0, "failed", "longer than 0.001 s")


async def test_the_loop_survives_what_fails_and_work_that_cancels_itself(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("LONGEST_PAUSE", "PAUSE_IN_AN_OUTAGE"):
        monkeypatch.setattr(f"app.shared.infrastructure.scheduling.scheduler.{pause}", 0.01)
    work = Work(raises=asyncio.CancelledError())
    looks = Looks()
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=work), draw=looks)
    await process.start()

    await schedule.statements.rows("ALTER TABLE schedule.job RENAME TO gone")
    await looks.more(2)
    await schedule.statements.rows("ALTER TABLE schedule.gone RENAME TO job")
    for run in (1, 2):
        await schedule.make_due("lab.count")
        await looks.more(2)
        assert work.runs == run

    assert (await schedule.state("lab.count")).outcome == "interrupted"
    await process.stop()


async def test_a_changed_schedule_gives_a_job_its_new_time(schedule: Schedule) -> None:
    await schedule.process(Job(name="lab.count", every=timedelta(days=9), work=Work()))

    await schedule.process(Job(name="lab.count", every=HOURLY, work=Work()))
    await schedule.make_due("lab.count", since=timedelta(minutes=-7))
    await schedule.process(Job(name="lab.count", every=HOURLY, work=Work()))

    assert await schedule.due_in("lab.count") < timedelta(minutes=7)
    assert (await schedule.state("lab.count")).schedule == "every 1:00:00"


async def test_a_job_that_is_wanted_now_runs_now(schedule: Schedule) -> None:
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=Work(returns=5)))

    ended = await process.run_now("lab.count")

    assert ended is not None
    assert (ended.outcome, ended.result) == ("done", "5")
    assert (await schedule.state("lab.count")).outcome == "done"


async def test_a_job_whose_code_is_gone_stays_known_and_never_runs(schedule: Schedule) -> None:
    gone = Work()
    await schedule.process(Job(name="lab.gone", every=HOURLY, work=gone))
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=Work()))
    await schedule.make_due("lab.gone")

    await process.run_due()

    states = {state.name: state for state in await process.states()}
    assert (states["lab.count"].known, states["lab.gone"].known) == (True, False)
    assert states["lab.gone"].next_due_at is None
    assert gone.runs == 0


async def test_looking_for_what_is_due_is_one_statement(schedule: Schedule) -> None:
    asked: list[str] = []

    class Counted(Statements):
        async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
            asked.append(sql)
            return await super().rows(sql, *args)

    job = Job(name="lab.count", every=HOURLY, work=Work())
    await schedule.process(job)
    counted = Counted(schedule.url, pool_size=1, pool_timeout=60, connect_timeout=60)
    process = Scheduler([job], StoredJobs(counted), SingleFlight(NOWHERE, connect_timeout=1))

    pause = await process.run_due()

    assert (pause, len(asked)) == (LONGEST_PAUSE, 1)
    await counted.close()


@pytest.mark.parametrize(
    ("jobs", "reason"),
    [
        ([Job(name="lab.count", cron="61 * * * *", work=Work())], "Bad minute"),
        ([Job(name="lab.count", every=HOURLY, work=Work())] * 2, "two jobs"),
    ],
    ids=["expression", "name"],
)
def test_a_process_with_a_bad_schedule_is_not_made(jobs: list[Job], reason: str) -> None:
    stored = StoredJobs(Statements(NOWHERE, pool_size=1, pool_timeout=1))

    with pytest.raises(BadScheduleError, match=rf"job lab\.count: .*{reason}"):
        Scheduler(jobs, stored, SingleFlight(NOWHERE, connect_timeout=1))
