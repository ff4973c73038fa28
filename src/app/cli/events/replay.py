"""`app events replay`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.cli.console import asking, load_kernel, run
from app.cli.events.moments import moment
from app.cli.showing import AsJson, show_json, utc
from app.shared.infrastructure.messaging.replay import replay


def replay_events(
    subscriber: Annotated[str, typer.Option(help="Who is owed them anew.")],
    since: Annotated[
        str, typer.Option(help="ISO 8601, UTC unless it says otherwise, or an age: 2h, 7d.")
    ],
    until: Annotated[str | None, typer.Option(help="Likewise; until now when left out.")] = None,
    event_type: Annotated[
        str | None, typer.Option("--type", help="Only events of this type.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Deliver past events to a subscriber again, or to a new one for the first time.

    Only stored events of the types to which it subscribes. What is still owed is left as it is,
    and dead letters stay dead: `dead revive` is for those. Within a key the replayed events come
    before later ones that are still owed, and after those that were delivered. It may be ended
    and repeated at any time; what was delivered meanwhile is then delivered once more.
    """
    begin, end = moment(since), timedelta(0) if until is None else moment(until)
    kernel = load_kernel()
    console = Console(stderr=True)
    shown = console.is_terminal and not as_json
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not shown,
    ) as bar:
        task = bar.add_task("owing anew", total=None)
        work = replay(
            kernel.statements(),
            subscriber,
            since=begin,
            until=end,
            event_type=event_type,
            progress=lambda walked, of_all: bar.update(task, completed=walked, total=of_all),
        )
        replayed = run(asking(kernel, work))
    if as_json:
        show_json(replayed)
        return
    typer.echo(
        f"owed anew: {replayed.owed_anew}, already owed: {replayed.already_owed}, "
        f"dead letters left alone: {replayed.dead} "
        f"(from {utc(replayed.since)} until {utc(replayed.until)})"
    )
