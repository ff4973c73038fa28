"""`app events lag`."""

from __future__ import annotations

from app.cli.console import asking, load_kernel, run
from app.cli.events.moments import described
from app.cli.showing import AsJson, show_json, show_table
from app.shared.infrastructure.messaging.backlog import lag

TITLES = ("subscriber", "owed", "due", "waiting", "oldest", "dead", "last delivered")


def show_lag(as_json: AsJson = False) -> None:
    """Show what every subscriber is owed.

    Due is what nobody has taken yet; waiting is what runs just now, has failed and waits for its
    next attempt, or is behind another event of its key. Oldest is the age of the oldest event
    owed, in seconds as JSON. Dead letters are counted apart. Times are UTC.
    """
    kernel = load_kernel()
    lags = run(asking(kernel, lag(kernel.reader(), counted=None)))
    if as_json:
        show_json(lags)
        return
    show_table(
        TITLES,
        [
            (
                each.subscriber,
                each.owed,
                each.due,
                each.waiting,
                None if each.oldest_age is None else described(each.oldest_age),
                each.dead,
                each.last_delivered_at,
            )
            for each in lags
        ],
    )
