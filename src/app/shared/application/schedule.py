"""What a module has done at its times: the work, when, and for how long at the most."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from app.shared.application.composition import CompositionError


class BadScheduleError(CompositionError):
    """A job that could never run as it is written; the process does not start with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that runs at its times, in one process at a time however many there are.

    Times that passed while no process was there are made up for by one run. A run can end at any
    instruction (the process is killed, the time is up) and the next one begins anew: so the work
    goes in small transactions, and doing it once more does no harm.
    """

    name: str
    """Stable, `<module>.<what_it_does>`: its runs are remembered under this name."""
    work: Callable[[], Awaitable[str | int | None]]
    """What it returns is shown to operators: a number or a few words, no personal data."""
    every: timedelta | None = None
    """From the start of one run to the start of the next."""
    cron: str = ""
    """Minute, hour, day of month, month, weekday, in UTC. As in cron, where neither of the two
    kinds of day begins with a star, one of them is enough."""
    timeout: timedelta = timedelta(minutes=5)
    """A run that takes longer is cancelled."""

    def __post_init__(self) -> None:
        if (self.every is None) == (not self.cron):
            raise BadScheduleError(f"job {self.name}: say either `every` or `cron`")
        if self.every is not None and self.every < timedelta(seconds=1):
            raise BadScheduleError(f"job {self.name}: `every` is less than a second")
        if self.timeout <= timedelta(0):
            raise BadScheduleError(f"job {self.name}: `timeout` leaves no time")

    @property
    def schedule(self) -> str:
        """When it runs, in words that change when the schedule does."""
        return self.cron or f"every {self.every}"
