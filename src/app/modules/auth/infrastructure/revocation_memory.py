"""The revocations that a process keeps in mind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from uuid import UUID

from app.modules.auth.domain.ports import Revocation

ROOM = 100_000
"""How many revocations a process keeps in mind, about 25 MiB. In twelve minutes, for which one
counts, that is 140 logouts a second."""
_TIDY_SECONDS = 10.0


class RevocationMemory:
    """Sessions, and the epochs below which an account's tokens are dead, each until no token that
    it names can be shown any more.

    Nothing is ever dropped to make room: what did not fit would be admitted. When there is no room
    left everything goes, `overflows` says so, and until all has been read anew the database
    decides.
    """

    def __init__(self, *, room: int = ROOM, now: Callable[[], float] = monotonic) -> None:
        self.room = room
        self.overflows = 0
        """How often everything was forgotten; whoever filled this memory compares."""
        self._now = now
        self._sessions: dict[UUID, float] = {}
        self._epochs: dict[UUID, tuple[int, float]] = {}
        self._tidied_at = now()

    def __len__(self) -> int:
        return len(self._sessions) + len(self._epochs)

    def note(self, revocation: Revocation, left: timedelta) -> None:
        """Keep it in mind for as long as there is `left`."""
        until = self._now() + left.total_seconds()
        if revocation.session_id is not None:
            known_until = self._sessions.get(revocation.session_id, 0.0)
            self._sessions[revocation.session_id] = max(known_until, until)
        elif revocation.epoch is not None:
            epoch, known_until = self._epochs.get(revocation.account_id, (0, 0.0))
            self._epochs[revocation.account_id] = (
                max(epoch, revocation.epoch),
                max(known_until, until),
            )
        if len(self) > self.room:
            self._forget_expired()
            if len(self) > self.room:
                self.overflow()

    def covers(self, account_id: UUID, session_id: UUID, epoch: int) -> bool:
        """Whether a token of this session and epoch is dead."""
        known = self._epochs.get(account_id)
        return session_id in self._sessions or (known is not None and epoch < known[0])

    def tidy(self) -> None:
        """Forget, now and then, what no token can be shown of any more."""
        if self._now() - self._tidied_at > _TIDY_SECONDS:
            self._forget_expired()

    def overflow(self) -> None:
        """Forget everything: there is more than there is room for."""
        self._sessions.clear()
        self._epochs.clear()
        self.overflows += 1

    def _forget_expired(self) -> None:
        now = self._tidied_at = self._now()
        self._sessions = {s: until for s, until in self._sessions.items() if until > now}
        self._epochs = {a: known for a, known in self._epochs.items() if known[1] > now}
