"""The command line: `app serve | worker | migrate`, and what operators ask and decide."""

from __future__ import annotations

import typer

from app.cli.accounts import accounts
from app.cli.console import fail
from app.cli.events import events
from app.cli.keys import keys
from app.cli.openapi import openapi
from app.cli.running import migrate, serve, worker
from app.cli.schedule import schedule
from app.cli.sessions import sessions
from app.modules.auth.infrastructure.key_files import KeyRingError
from app.settings import SettingsError
from app.shared.application.composition import CompositionError
from app.shared.domain.errors import DomainError
from app.shared.infrastructure.messaging.subscriptions import RefusedError

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Bulkhead: its processes, its database, its keys, and what happens to its events.",
    rich_markup_mode="markdown",  # which lets no line of a docstring end a line of the help
)
for command in (serve, worker, migrate, openapi):
    cli.command()(command)
cli.add_typer(keys, name="keys")
cli.add_typer(accounts, name="accounts")
cli.add_typer(sessions, name="sessions")
cli.add_typer(events, name="events")
cli.add_typer(schedule, name="schedule")


def main() -> None:
    """The console script `app`."""
    try:
        cli()
    except SettingsError as error:
        fail(*error.lines)
    except (CompositionError, KeyRingError, RefusedError) as error:
        fail(str(error))
    except DomainError as error:
        fail(error.detail)
