"""A clock that stands still until the test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.shared.application.clock import Clock


class FixedClock(Clock):
    """Shows the time that the test chose."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: float | timedelta) -> None:
        """Let time pass; a number is seconds."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
