"""`app schedule`: what an operator sees of scheduled work, and a job run by hand."""

from __future__ import annotations

import asyncio
import json

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import RunCommand, StartCommand, StartServer
from tests.e2e.socket.server import eventually

JOBS = [
    "auth.expire_sessions",
    "auth.forget_activity",
    "auth.forget_attempts",
    "auth.forget_mails",
    "auth.forget_revocations",
    "http.forget_requests",
    "messaging.purge_events",
]
OUTCOME = "select last_outcome from schedule.job where name = 'auth.expire_sessions'"
RESULT = "[all] of " + "x" * 80 + " [/x]"


async def test_a_worker_runs_what_is_due_and_the_list_tells(
    start_command: StartCommand, run_command: RunCommand, statements: Statements
) -> None:
    await run_command("schedule", "run", "auth.expire_sessions")
    await statements.rows("update schedule.job set next_due_at = now(), last_outcome = 'failed'")

    worker = start_command("worker")

    async def is_done() -> bool:
        return bool(await statements.value(OUTCOME) == "done")

    await eventually(is_done)
    listed = await run_command("schedule", "list", "--json")
    states = {state["name"]: state for state in json.loads(listed.stdout)}
    assert states["auth.expire_sessions"]["outcome"] == "done"
    assert worker.process.poll() is None
    assert '"exception"' not in worker.log()


async def test_the_server_that_does_not_dispatch_runs_no_jobs(
    start_server: StartServer, statements: Statements
) -> None:
    await start_server(EVENTS_DISPATCH="false")

    assert await statements.value("select count(*) from schedule.job") == 0


async def test_jobs_are_listed_with_their_last_run_and_those_that_are_gone(
    run_command: RunCommand, statements: Statements
) -> None:
    ran = await run_command("schedule", "run", "auth.expire_sessions")
    await statements.rows("insert into schedule.job values ('old.sweep', 'every 1:00:00', now())")

    table, listed = await asyncio.gather(
        run_command("schedule", "list"), run_command("schedule", "list", "--json")
    )

    assert ran.stdout.endswith("\nauth.expire_sessions: done: 0\n"), ran.stderr
    states = {state["name"]: state for state in json.loads(listed.stdout)}
    assert sorted(states) == [*JOBS, "old.sweep"]
    job = states["auth.expire_sessions"]
    assert (job["schedule"], job["outcome"], job["result"]) == ("5 4 * * *", "done", "0")
    assert job["started_at"] < job["next_due_at"]
    assert [name for name, state in states.items() if not state["known"]] == ["old.sweep"]
    assert states["messaging.purge_events"]["outcome"] is None
    assert "unknown to this version" in table.stdout


async def test_the_list_reads_and_a_run_by_hand_does_nothing_but_the_job(
    run_command: RunCommand, statements: Statements
) -> None:
    await run_command("schedule", "list")
    registered = await statements.value("select count(*) from schedule.job")
    await run_command("schedule", "run", "auth.expire_sessions")

    assert registered == 0
    assert [row["name"] for row in await statements.rows("select name from schedule.job")] == [
        "auth.expire_sessions"
    ]
    assert await statements.value("select count(*) from messaging.subscription") == 0


async def test_whatever_a_job_answered_is_shown_as_it_is_on_one_line(
    run_command: RunCommand, statements: Statements
) -> None:
    await run_command("schedule", "run", "auth.expire_sessions")
    await statements.rows("update schedule.job set last_result = $1", RESULT)

    listed = await run_command("schedule", "list")

    assert listed.returncode == 0, listed.stderr
    titles, *rows = listed.stdout.splitlines()
    assert titles.split() == ["job", "schedule", "last", "run", "took", "outcome", "result", "next"]
    assert [row.split()[0] for row in rows] == JOBS
    assert RESULT in rows[0]


async def test_an_unknown_job_is_refused_in_one_line(run_command: RunCommand) -> None:
    ended = await run_command("schedule", "run", "auth.expire_sesions")

    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("app: no job is called auth.expire_sesions; there are: auth.expire_")


async def test_every_job_of_the_product_can_be_run_by_hand(run_command: RunCommand) -> None:
    ended = await asyncio.gather(*(run_command("schedule", "run", job) for job in JOBS))

    for job, command in zip(JOBS, ended, strict=True):
        assert command.stdout.endswith(f"\n{job}: done: 0\n"), command.stdout + command.stderr
