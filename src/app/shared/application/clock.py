"""Time as a port, so that a test decides what time it is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Tells the present time, aware and in UTC."""

    def now(self) -> datetime: ...
