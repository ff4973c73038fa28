"""Deliveries as they are shown: by the command line, the health page and the metrics alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Outcome = Literal["paid", "failed", "died", "discarded", "released", "lost"]
"""What became of a delivery in one process; a lost one was no longer its own when it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberLag:
    """What one subscriber is owed at one moment; its dead letters are owed no more."""

    subscriber: str
    owed: int
    """Due or waiting."""
    due: int
    """Nobody has taken them yet."""
    waiting: int
    """Running just now, backed off after a failure, or behind another of their key."""
    dead: int
    more: bool
    """Whether one of the counts stopped at the bound, so that there may be more."""
    oldest_age: float | None
    """Seconds since the oldest owed event was stored, also when it is owed again by a replay.

    Exact unless `more`: then of those that were counted, the longest due."""
    last_delivered_at: datetime | None
