"""A clock that follows the database's, so that all processes agree on what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic

from app.shared.application.clock import Clock


class DatabaseClock(Clock):
    """The database's time at the last look, plus what has elapsed since by the monotonic clock.

    Before the first look it is this machine's own time.
    """

    def __init__(self) -> None:
        self._seen = datetime.now(UTC)
        self._seen_at = monotonic()

    def now(self) -> datetime:
        return self._seen + timedelta(seconds=monotonic() - self._seen_at)

    def follow(self, database_time: datetime) -> None:
        """Take over `clock_timestamp()` as it was read just now."""
        self._seen, self._seen_at = database_time, monotonic()
