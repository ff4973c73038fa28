"""Which access tokens died before their time: a list in memory, kept true by polling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from app.modules.auth.application.ports import AccessClaims, RevocationCheck
from app.modules.auth.domain.errors import AccountDisabledError, SessionRevokedError
from app.modules.auth.domain.ports import Revocation
from app.shared.application.reader import Reader

_OVERLAP = timedelta(seconds=60)
"""How far back beyond the last one each poll looks: commits become visible out of order, but not
by a minute."""
_TRUSTED_SECONDS = 10.0
"""How old the last complete poll may be before the database is asked at every request."""

_RECENT = """
select clock_timestamp() as now, r.account_id, r.session_id, r.epoch, r.revoked_at
from (select 1) as always
left join auth.revocation as r on r.revoked_at > clock_timestamp() - $1::interval
"""

_STATE = """
select s.revoked_at is not null or s.epoch <> a.auth_epoch as revoked, a.status = 'active' as active
from auth.session as s
join auth.account as a on a.id = s.account_id
where s.id = $1
"""


class RevocationList(RevocationCheck):
    """Spares the guard a database read per request.

    It holds every revocation that a living access token may still have to be checked against.
    Under `strict`, or when polling has failed for a while, the session's row decides instead.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        strict: bool,
        keep: timedelta,
        follow: Callable[[datetime], None],
    ) -> None:
        self._reader = reader
        self._strict = strict
        self._keep = keep
        self._follow = follow
        self._sessions: dict[UUID, float] = {}
        self._epochs: dict[UUID, tuple[int, float]] = {}
        self._polled_at: float | None = None

    def add(self, revocation: Revocation) -> None:
        """Know of a revocation at once, in the process that committed it."""
        self._remember(revocation.account_id, revocation.session_id, revocation.epoch, self._keep)

    async def poll(self) -> None:
        """Read what was revoked lately; the first time, all that is still of consequence."""
        begun_at = monotonic()
        window = self._keep
        if self._polled_at is not None:
            window = _OVERLAP + timedelta(seconds=begun_at - self._polled_at)
        for row in await self._reader.rows(_RECENT, window):
            self._follow(row["now"])
            if row["account_id"] is not None:
                left = self._keep - (row["now"] - row["revoked_at"])
                self._remember(row["account_id"], row["session_id"], row["epoch"], left)
        self._forget_expired()
        self._polled_at = begun_at

    async def refuse_revoked(self, claims: AccessClaims) -> None:
        if self._strict or not self._is_current():
            await self._ask_the_database(claims)
            return
        epoch, _ = self._epochs.get(claims.account_id, (0, 0.0))
        if claims.session_id in self._sessions or claims.epoch < epoch:
            raise SessionRevokedError

    async def _ask_the_database(self, claims: AccessClaims) -> None:
        row = await self._reader.row(_STATE, claims.session_id)
        if row is None or row["revoked"]:
            raise SessionRevokedError
        if not row["active"]:
            raise AccountDisabledError

    def _is_current(self) -> bool:
        return self._polled_at is not None and monotonic() - self._polled_at < _TRUSTED_SECONDS

    def _remember(
        self, account_id: UUID, session_id: UUID | None, epoch: int | None, keep: timedelta
    ) -> None:
        until = monotonic() + keep.total_seconds()
        if session_id is not None:
            self._sessions.setdefault(session_id, until)
        elif epoch is not None:
            known, _ = self._epochs.get(account_id, (0, 0.0))
            self._epochs[account_id] = (max(known, epoch), until)

    def _forget_expired(self) -> None:
        now = monotonic()
        self._sessions = {s: until for s, until in self._sessions.items() if until > now}
        self._epochs = {a: known for a, known in self._epochs.items() if known[1] > now}
