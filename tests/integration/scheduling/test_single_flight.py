"""One process at a time: the lock, and what becomes of a job whose process is gone."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from app.shared.application.schedule import Job
from app.shared.infrastructure.scheduling.scheduler import LONGEST_PAUSE
from app.shared.infrastructure.scheduling.stored_jobs import StoredJobs
from tests.integration.scheduling.conftest import HOURLY, Beside, Schedule, Work


async def test_a_job_never_runs_in_two_processes_at_once(
    schedule: Schedule, beside: Beside
) -> None:
    first, second = Work().waits(), Work()
    here = await schedule.process(Job(name="lab.count", every=HOURLY, work=first))
    there = await schedule.process(Job(name="lab.count", every=HOURLY, work=second))
    await schedule.make_due("lab.count")
    running = beside(here.run_due())
    await first.has_begun()
    await schedule.make_due("lab.count")

    refused = await there.run_due(), await there.run_now("lab.count")

    assert refused == (LONGEST_PAUSE, None)
    assert (await schedule.state("lab.count")).outcome == "running"
    first.go_on.set()
    await running
    assert (first.ended, second.runs) == (1, 0)


async def test_of_many_processes_that_find_it_due_one_runs_it(schedule: Schedule) -> None:
    works = [Work() for _ in range(8)]
    processes = [
        await schedule.process(Job(name="lab.count", every=HOURLY, work=work)) for work in works
    ]
    await schedule.make_due("lab.count")

    await asyncio.gather(*(process.run_due() for process in processes))

    assert sum(work.runs for work in works) == 1


async def test_jobs_of_different_names_run_at_once_in_different_processes(
    schedule: Schedule, beside: Beside
) -> None:
    slow, quick = Work().waits(), Work()
    jobs = (
        Job(name="lab.slow", every=HOURLY, work=slow),
        Job(name="lab.quick", every=HOURLY, work=quick),
    )
    here, there = await schedule.process(*jobs), await schedule.process(*jobs)
    await schedule.make_due("lab.slow")
    beside(here.run_due())
    await slow.has_begun()
    await schedule.make_due("lab.quick")

    await there.run_due()

    assert quick.ended == 1


async def test_the_job_of_a_killed_process_is_free_at_once_and_runs_again(
    schedule: Schedule,
) -> None:
    work = Work()
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=work))
    await schedule.make_due("lab.count")
    victim = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.scheduling.worker"),
        *(schedule.url, "lab.count"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"begun\n"

    victim.kill()
    await victim.wait()
    await schedule.until_free("lab.count")

    assert (await schedule.state("lab.count")).outcome == "interrupted"
    again_in = await schedule.due_in("lab.count")
    assert timedelta(0) < again_in <= timedelta(minutes=1)
    await schedule.make_due("lab.count")
    await process.run_due()
    assert (work.ended, (await schedule.state("lab.count")).outcome) == (1, "done")


async def test_a_run_whose_lock_was_lost_is_cancelled_and_comes_again(
    schedule: Schedule, beside: Beside
) -> None:
    work = Work().waits()
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=work))
    await schedule.make_due("lab.count")
    running = beside(process.run_due())
    await work.has_begun()

    assert await schedule.end_connections_with_locks() == 1
    async with asyncio.timeout(60):
        await running

    assert (work.runs, work.ended) == (1, 0)
    assert (await schedule.state("lab.count")).outcome == "interrupted"
    assert await schedule.due_in("lab.count") <= timedelta(minutes=1)


async def test_a_process_that_stops_gives_its_job_back_at_once(schedule: Schedule) -> None:
    stopped, taken_over = Work().waits(), Work()
    here = await schedule.process(Job(name="lab.count", every=HOURLY, work=stopped))
    there = await schedule.process(Job(name="lab.count", every=HOURLY, work=taken_over))
    await schedule.make_due("lab.count")
    await here.start()
    await stopped.has_begun()

    await here.stop()

    assert (await schedule.state("lab.count")).outcome == "interrupted"
    await there.run_due()
    assert (stopped.ended, taken_over.ended) == (0, 1)


async def test_a_run_of_an_older_process_overwrites_nothing_of_a_newer_one(
    schedule: Schedule,
) -> None:
    stored = StoredJobs(schedule.statements)
    process = await schedule.process(Job(name="lab.count", every=HOURLY, work=Work(returns=1)))
    overtaken = await stored.begin("lab.count", at_once=True)
    assert overtaken is not None
    ended = await process.run_now("lab.count")
    assert ended is not None

    await stored.end("lab.count", overtaken, ended, overtaken)

    assert await schedule.due_in("lab.count") > timedelta(minutes=59)
