"""The rotation table as its text says it, on a session's whole history instead of a few columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Answer(StrEnum):
    """What a presented token gets: a pair, or a refusal's code."""

    NEXT = "next generation"
    SAME = "same successor"
    DISABLED = "account_disabled"
    REVOKED = "session_revoked"
    EXPIRED = "session_expired"
    SUPERSEDED = "token_superseded"
    REUSED = "token_reused"
    FORGED = "token_invalid"


@dataclass(frozen=True)
class Minting:
    """How a generation came to be."""

    parent: int
    at: datetime
    recovers: bool


@dataclass
class ModelAccount:
    epoch: int = 0
    active: bool = True


@dataclass
class ModelSession:
    """Every minting since the login; what the table calls n, p and the recoveries follows."""

    account: ModelAccount
    opened_at: datetime
    grace: timedelta
    idle: timedelta
    absolute: timedelta
    max_recoveries: int
    epoch: int = 0
    mintings: list[Minting] = field(default_factory=list)
    receipts: set[int] = field(default_factory=set)
    ended: bool = False
    alerts: int = 0

    def __post_init__(self) -> None:
        self.epoch = self.account.epoch
        self.mintings.append(Minting(parent=0, at=self.opened_at, recovers=False))

    @property
    def latest(self) -> int:
        return len(self.mintings)

    @property
    def parent(self) -> int:
        return self.mintings[-1].parent

    @property
    def recoveries(self) -> int:
        """How many of the last mintings in a row made a lost response good."""
        count = 0
        while self.mintings[-1 - count].recovers:
            count += 1
        return count

    def ends_at(self) -> datetime:
        return min(self.mintings[-1].at + self.idle, self.opened_at + self.absolute)

    def is_alive(self, now: datetime) -> bool:
        return self._over(now) is None

    def present(self, generation: int, now: datetime) -> Answer:
        if over := self._over(now):
            return over
        if generation == self.latest:
            return self._mint(generation, now, recovers=False)
        if generation > self.latest:
            return self._alert(Answer.FORGED)
        if generation == self.parent and self._is_fresh(self.latest, now):
            return Answer.SAME
        if (
            generation >= self.parent
            and self.latest not in self.receipts
            and self.recoveries < self.max_recoveries
        ):
            return self._mint(generation, now, recovers=True)
        replaced = generation == self.latest - 1 and generation != self.parent
        if replaced and self._is_fresh(self.latest, now):
            return Answer.SUPERSEDED
        # Rotated away by the minting before the latest one.
        if generation == self.parent - 1 and self._is_fresh(self.latest - 1, now):
            return Answer.SUPERSEDED
        return self._alert(Answer.REUSED)

    def end(self) -> None:
        self.ended = True

    def _over(self, now: datetime) -> Answer | None:
        if not self.account.active:
            return Answer.DISABLED
        if self.ended or self.epoch != self.account.epoch:
            return Answer.REVOKED
        return Answer.EXPIRED if now >= self.ends_at() else None

    def _is_fresh(self, generation: int, now: datetime) -> bool:
        return now - self.mintings[generation - 1].at < self.grace

    def _mint(self, parent: int, now: datetime, *, recovers: bool) -> Answer:
        self.mintings.append(Minting(parent, now, recovers))
        return Answer.NEXT

    def _alert(self, answer: Answer) -> Answer:
        self.alerts += 1
        self.end()
        return answer
