"""`app schedule list | run`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.console import fail, load_process, run, within

schedule = typer.Typer(no_args_is_help=True, help="Scheduled work: when it runs, how it went.")


@schedule.command("list")
def list_jobs(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show every job with its last run and its next time, in UTC."""
    process = load_process()
    states = run(within(process, process.scheduler.states()))
    if as_json:
        typer.echo(json.dumps([asdict(state) for state in states], default=datetime.isoformat))
        return
    table = Table("job", "schedule", "last run", "took", "outcome", "result", "next")
    for state in states:
        table.add_row(
            state.name,
            state.schedule,
            _time(state.started_at),
            "" if state.seconds is None else f"{state.seconds:.1f} s",
            state.outcome,
            state.error or state.result,
            _time(state.next_due_at) if state.known else "unknown to this version",
        )
    Console().print(table)


@schedule.command("run")
def run_job(name: Annotated[str, typer.Argument(help="As in `app schedule list`.")]) -> None:
    """Run a job now, wherever its time is, unless it is running already."""
    process = load_process()
    if name not in process.scheduler.jobs:
        fail(f"no job is called {name}; there are: {', '.join(sorted(process.scheduler.jobs))}")
    ended = run(within(process, process.scheduler.run_now(name)))
    if ended is None:
        fail(f"{name} is running in another process")
    if ended.outcome != "done":
        fail(": ".join(filter(None, (name, ended.outcome, ended.error))))
    typer.echo(": ".join(filter(None, (name, ended.outcome, ended.result))))


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
