"""`app schedule list | run`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.console import asking, fail, load_process, run
from app.cli.showing import AsJson, show_json, show_table
from app.shared.infrastructure.scheduling.stored_jobs import Run
from app.shared.process import Process

schedule = typer.Typer(no_args_is_help=True, help="Scheduled work: when it runs, how it went.")

TITLES = ("job", "schedule", "last run", "took", "outcome", "result", "next")


@schedule.command("list")
def list_jobs(as_json: AsJson = False) -> None:
    """Show every job with its last run and its next time, in UTC."""
    process = load_process()
    states = run(asking(process.kernel, process.scheduler.states()))
    if as_json:
        show_json(states)
        return
    show_table(
        TITLES,
        [
            (
                state.name,
                state.schedule,
                state.started_at,
                None if state.seconds is None else f"{state.seconds:.1f} s",
                state.outcome,
                state.error or state.result,
                state.next_due_at if state.known else "unknown to this version",
            )
            for state in states
        ],
    )


@schedule.command("run")
def run_job(name: Annotated[str, typer.Argument(help="As in `app schedule list`.")]) -> None:
    """Run a job now, whatever its next time, unless it is running already."""
    process = load_process()
    if name not in process.scheduler.jobs:
        fail(f"no job is called {name}; there are: {', '.join(sorted(process.scheduler.jobs))}")
    ended = run(_ran(process, name))
    if ended is None:
        fail(f"{name} is running in another process")
    if ended.outcome != "done":
        fail(": ".join(filter(None, (name, ended.outcome, ended.error))))
    typer.echo(": ".join(filter(None, (name, ended.outcome, ended.result))))


async def _ran(process: Process, name: str) -> Run | None:
    """The job alone: this process subscribes to nothing, and repeats nothing beside it."""
    async with process.connected():
        return await process.scheduler.run_now(name)
