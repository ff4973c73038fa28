"""The list of revocations as a process has it, put together by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.revocation_memory import ROOM, RevocationMemory
from app.shared.application.reader import Reader
from app.shared.infrastructure.database_clock import DatabaseClock

KEEP = timedelta(minutes=12)


class Elapsed:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class Revocations:
    """The check of one process, what keeps it true, and how often it told the others."""

    check: RevocationList
    follower: RevocationFollower
    memory: RevocationMemory
    announced: list[None]


def revocations(
    reader: Reader,
    *,
    strict: bool = False,
    keep: timedelta = KEEP,
    follow: Callable[[datetime], None] | None = None,
    room: int = ROOM,
    now: Callable[[], float] = monotonic,
) -> Revocations:
    memory = RevocationMemory(room=room, now=now)
    follow = follow or DatabaseClock().follow
    follower = RevocationFollower(reader, memory, keep=keep, follow=follow, now=now)
    announced: list[None] = []
    check = RevocationList(reader, memory, follower, lambda: announced.append(None), strict=strict)
    return Revocations(check, follower, memory, announced)
