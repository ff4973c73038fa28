"""What is told of a failure: enough to find it, nothing that was being worked on."""

from __future__ import annotations

import sysconfig
import traceback

from structlog.typing import FilteringBoundLogger

from app.shared.infrastructure.outages import is_outage

_LIBRARIES = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"))


def described(error: Exception) -> str:
    """What is stored: the kind of the error and its place. Its message may hold personal data."""
    kind = type(error).__qualname__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)] or frames
    if not own:
        return kind
    last = own[-1]
    return f"{kind} in {last.name}, line {last.lineno} of {last.filename.rpartition('/')[2]}"


def warn(log: FilteringBoundLogger, what: str, error: Exception) -> None:
    """An outage explains itself; anything else is a defect, shown with its place."""
    log.warning(what, error=type(error).__name__, exc_info=None if is_outage(error) else error)
