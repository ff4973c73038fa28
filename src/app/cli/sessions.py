"""`app sessions revoke`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from app.cli.console import load_process, run, within
from app.cli.events.moments import moment
from app.cli.showing import AsJson, Yes, confirm, show_json, utc
from app.modules.auth.application.commands.revoke_sessions_before import (
    RevokeSessionsBefore,
    RevokeSessionsBeforeHandler,
)

sessions = typer.Typer(no_args_is_help=True, help="Sessions, from the operator's side.")


@sessions.callback()
def _group() -> None:
    """Keeps `revoke` a command of its own although it is the only one."""


@sessions.command()
def revoke(
    before: Annotated[
        str, typer.Option(help="ISO 8601, UTC unless it says otherwise, or an age: 2h, 0s.")
    ],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End every session that began before a moment, with its access tokens.

    After a restored backup nothing else makes sure that tokens which had been used, replaced or
    revoked since are dead. Everybody concerned logs in again. May be ended and repeated at any
    time.
    """
    read = moment(before)
    until = datetime.now(UTC) - read if isinstance(read, timedelta) else read
    confirm(f"End every session that began before {utc(until)}?", yes=yes)
    process = load_process()
    handle = process.provided()[RevokeSessionsBeforeHandler]
    if isinstance(handle, RevokeSessionsBeforeHandler):
        ended = run(within(process, handle(RevokeSessionsBefore(until))))
        if as_json:
            show_json({"ended": ended, "before": until})
        else:
            typer.echo(f"ended {ended} sessions that began before {utc(until)}")
