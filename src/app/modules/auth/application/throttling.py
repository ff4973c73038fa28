"""Counts attempts for all processes together, and turns away whoever has made too many."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from app.modules.auth.domain.throttling import Budget, ThrottlePolicy, network_of


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt, and what it is counted against."""

    budget: Budget
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A charge that was accepted, as it stood then."""

    charge: Charge
    next_at: datetime
    failures: int
    """In a row, this one included."""
    row: bytes = b""
    """Where the store has it."""


@runtime_checkable
class Throttle(Protocol):
    """Budgets that all processes share, each call one atomic statement by PostgreSQL's clock."""

    async def reserve(self, first: Charge, second: Charge | None = None) -> tuple[Reservation, ...]:
        """Charge an attempt before it is made.

        Raises the refusal of the first budget that is spent; then nothing is charged. Statements
        that take two charges take those of a network first, so that none waits for the other.
        """
        ...

    async def refund(self, reserved: tuple[Reservation, ...]) -> None:
        """The attempt was never made."""
        ...

    async def succeeded(self, reserved: tuple[Reservation, ...]) -> None:
        """The attempt was no failure: it is taken back, and those before it are no longer in a
        row. The waits that they have earned stay."""
        ...

    async def clear(self, charge: Charge) -> None:
        """Forget whatever was charged to this key."""
        ...


@dataclass(frozen=True)
class MailThrottle:
    """Bounds the requests of one network for resets and further verifications.

    How many mails go to one address is decided by those that it was sent. A registration is not
    counted: that would cost as much as the registration.
    """

    throttle: Throttle
    throttle_policy: ThrottlePolicy

    async def admit(self, client: str | None) -> None:
        """Raises `RequestsThrottledError` when this network has asked for too many mails."""
        await self.throttle.reserve(Charge(self.throttle_policy.mail_requests, network_of(client)))
