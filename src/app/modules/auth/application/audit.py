"""The log of authentication events: who, what and the outcome; from where is in its context."""

from __future__ import annotations

from uuid import UUID

import structlog

_log = structlog.get_logger("app.auth")


def log_event(
    what: str,
    outcome: str = "done",
    *,
    account_id: UUID | None = None,
    session_id: UUID | None = None,
    alert: bool = False,
) -> None:
    """Nobody is named where nobody is known. An `alert` is for a person to look at."""
    who = {"account_id": account_id, "session_id": session_id}
    log = _log.warning if alert else _log.info
    log(
        "authentication",
        what=what,
        outcome=outcome,
        **{name: str(identity) for name, identity in who.items() if identity},
    )
