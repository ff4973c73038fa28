"""The aggregate: the unit that is loaded, changed and stored as a whole."""

from __future__ import annotations

from app.shared.domain.event import Event


class Aggregate:
    """A consistency boundary that remembers what happened to it until somebody stores that.

    Subclasses are dataclasses with `eq=False, kw_only=True`: two loads of one row are one thing.
    """

    def _record(self, event: Event) -> None:
        """Keep the event for the unit of work; loading skips `__init__`, so the list is lazy."""
        self.__dict__.setdefault("_recorded_events", []).append(event)

    def collect_events(self) -> list[Event]:
        """Hand over the recorded events, once, oldest first."""
        events: list[Event] = self.__dict__.pop("_recorded_events", [])
        return events
