"""`app events purge`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.console import asking, load_kernel, run
from app.cli.events.moments import age, described
from app.cli.showing import AsJson, Yes, confirm, show_json
from app.shared.infrastructure.messaging.purging import purge


def purge_events(
    older_than: Annotated[
        str | None, typer.Option(help="An age: 12h, 30d; EVENTS_RETENTION when left out.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget old events that are owed to nobody; a dead letter keeps its event.

    They cannot be replayed afterwards. Asks before it forgets more than EVENTS_RETENTION says.
    """
    wanted = None if older_than is None else age(older_than)
    kernel = load_kernel()
    retention = kernel.events().retention
    least = retention if wanted is None else wanted
    if least < retention:
        shown = described(least.total_seconds())
        confirm(f"Forget all events older than {shown}?", yes=yes)
    purged = run(asking(kernel, purge(kernel.statements(), older_than=least)))
    if as_json:
        show_json({"purged": purged})
    else:
        typer.echo(f"purged {purged}")
