"""`app events subscriptions [prune]`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from app.cli.console import asking, load_process, run
from app.cli.showing import AsJson, Yes, confirm, show_json, show_table
from app.shared.infrastructure.messaging.bridge import RELAY
from app.shared.infrastructure.messaging.pruning import StillOwedError, owed_under, prune
from app.shared.infrastructure.messaging.subscriptions import Subscription
from app.shared.infrastructure.messaging.subscriptions import subscriptions as stored

subscriptions = typer.Typer(help="Who is owed which events.", invoke_without_command=True)

RECENTLY = timedelta(days=1)

TITLES = ("subscriber", "event", "strict", "in this code", "last delivered")


@subscriptions.callback()
def list_subscriptions(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every stored subscription, and whether this code has it. Times are UTC."""
    if context.invoked_subcommand is not None:
        return
    process = load_process()
    listed = run(asking(process.kernel, stored(process.kernel.reader(), process.bus)))
    if as_json:
        show_json(listed)
    else:
        _show(listed)


@subscriptions.command("prune")
def prune_subscriptions(
    discard_owed: Annotated[
        bool, typer.Option("--discard-owed", help="Give up what is still owed under them.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove the subscriptions that this code does not have, so that nothing more is owed to them.

    Not during a rolling deployment, and only with the newest code and the settings of the running
    processes: a newer process subscribes when it starts and not again, so pruning its
    subscriptions from older code loses it every event until it is restarted. `last delivered`
    shows whether somebody still delivers.
    """
    process = load_process()
    kernel = process.kernel
    pruned = [
        each for each in run(asking(kernel, stored(kernel.reader(), process.bus))) if not each.known
    ]
    discarded = 0
    if pruned:
        owed = run(asking(kernel, owed_under(kernel.engine(), pruned)))
        if not as_json:
            _show(pruned)
        _warn(pruned)
        if owed and not discard_owed:
            raise StillOwedError(owed)
        subscribed = _count(len(pruned), "subscription", "subscriptions")
        confirm(f"Prune {subscribed} and discard {_deliveries(owed)}?", yes=yes)
        work = prune(kernel.engine(), pruned, discard_owed=discard_owed)
        discarded = run(asking(kernel, work))
    if as_json:
        show_json({"pruned": pruned, "discarded": discarded})
    else:
        typer.echo(f"pruned {len(pruned)}, discarded {_deliveries(discarded)}")


def _warn(pruned: list[Subscription]) -> None:
    """Of what cannot have been forgotten; the relay is subscribed by a setting, not by code."""
    since = datetime.now(UTC) - RECENTLY
    alive = {
        each.subscriber
        for each in pruned
        if each.subscriber == RELAY or (each.last_delivered_at or since) > since
    }
    if alive:
        typer.echo(
            f"app: {', '.join(sorted(alive))} may belong to running processes with other settings"
            " or newer code, which would lose events",
            err=True,
        )


def _deliveries(count: int) -> str:
    return _count(count, "delivery", "deliveries")


def _count(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _show(listed: list[Subscription]) -> None:
    show_table(
        TITLES,
        [
            (each.subscriber, each.event_type, each.strict, each.known, each.last_delivered_at)
            for each in listed
        ],
    )
