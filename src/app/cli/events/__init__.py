"""`app events …`: what is owed, what died, what is delivered again or forgotten."""

from __future__ import annotations

import typer

from app.cli.events.dead import dead
from app.cli.events.lag import show_lag
from app.cli.events.purge import purge_events
from app.cli.events.replay import replay_events
from app.cli.events.subscriptions import subscriptions

events = typer.Typer(no_args_is_help=True, help="The event log and what is owed of it.")
events.command("lag")(show_lag)
events.add_typer(dead, name="dead")
events.command("replay")(replay_events)
events.add_typer(subscriptions, name="subscriptions")
events.command("purge")(purge_events)
