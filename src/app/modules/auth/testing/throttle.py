"""Attempts counted in memory, by the rules that the product's statements follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from app.modules.auth.application.throttling import Charge, Reservation, Throttle
from app.modules.auth.domain.throttling import Budget
from app.shared.application.clock import Clock

_NONE = timedelta(0)


@dataclass(slots=True)
class Counted:
    """What is held against one key."""

    forgiven_at: datetime
    next_at: datetime
    failures: int = 0
    latest: Reservation | None = None


class InMemoryThrottle(Throttle):
    """`counted` is by budget and key, in the clear."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.counted: dict[tuple[str, str], Counted] = {}

    async def reserve(self, first: Charge, second: Charge | None = None) -> tuple[Reservation, ...]:
        charges = [first] if second is None else [first, second]
        for charge in charges:
            self._refuse_spent(charge)
        return tuple(self._charge(charge) for charge in charges)

    async def refund(self, reserved: tuple[Reservation, ...]) -> None:
        for one in reserved:
            self._take_back(one, failures=1)

    async def succeeded(self, reserved: tuple[Reservation, ...]) -> None:
        for one in reserved:
            self._take_back(one, failures=one.failures)

    async def clear(self, charge: Charge) -> None:
        self.counted.pop(_name(charge), None)

    def _refuse_spent(self, charge: Charge) -> None:
        counted, budget = self.counted.get(_name(charge)), charge.budget
        if counted is None:
            return
        wait = counted.next_at - self._clock.now()
        if budget.failures is not None and counted.failures >= budget.failures:
            raise budget.refusal(retry_after=budget.longest_wait.total_seconds())
        if wait > _NONE:
            raise budget.refusal(retry_after=wait.total_seconds())

    def _charge(self, charge: Charge) -> Reservation:
        now, budget = self._clock.now(), charge.budget
        counted = self.counted.setdefault(_name(charge), Counted(now, now))
        held = max(counted.forgiven_at - now, _NONE)
        counted.forgiven_at = now + min(held + budget.forgiven_after, budget.memory)
        counted.next_at = now + wait_after(budget, 1 + ceil(held / budget.forgiven_after))
        counted.failures += budget.failures is not None
        counted.latest = Reservation(charge, counted.next_at, counted.failures)
        return counted.latest

    def _take_back(self, reserved: Reservation, *, failures: int) -> None:
        counted = self.counted.get(_name(reserved.charge))
        if counted is None:
            return
        counted.forgiven_at -= reserved.charge.budget.forgiven_after
        counted.failures = max(counted.failures - failures, 0)
        # By a clock that stands still, two of them may have the same time.
        if counted.latest is reserved:
            counted.next_at = self._clock.now()


def wait_after(budget: Budget, made: int) -> timedelta:
    """The wait that the attempt brings which is the `made`th to count."""
    if made < budget.free:
        return _NONE
    return min(budget.longest_wait, budget.wait * (1 << (made - budget.free)))


def _name(charge: Charge) -> tuple[str, str]:
    return charge.budget.name, charge.key
