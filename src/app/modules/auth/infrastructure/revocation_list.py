"""Which access tokens died before their time: asked at every guarded request."""

from __future__ import annotations

from collections.abc import Callable

from app.modules.auth.application.ports import AccessClaims, RevocationCheck
from app.modules.auth.domain.errors import AccountDisabledError, SessionRevokedError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_memory import RevocationMemory
from app.shared.application.reader import Reader

_STATE = """
-- Whether the session was revoked, by itself or with its epoch, and what its account is now.
select s.revoked_at is not null or s.epoch <> a.auth_epoch as revoked,
       a.status = 'active' as active, a.roles
from auth.session as s
join auth.account as a on a.id = s.account_id
where s.id = $1 and s.account_id = $2
"""


class RevocationList(RevocationCheck):
    """Spares the guard a database read per request.

    The memory decides for as long as it is current. When it is not, when a request must be certain
    and under `strict`, the session's row decides instead; without the database nobody is admitted.
    """

    def __init__(
        self,
        reader: Reader,
        memory: RevocationMemory,
        follower: RevocationFollower,
        announce: Callable[[], None],
        *,
        strict: bool,
    ) -> None:
        self._reader = reader
        self._memory = memory
        self._follower = follower
        self._announce = announce
        self._strict = strict

    def add(self, revocation: Revocation) -> None:
        """What this process has committed: it knows at once, and tells the others."""
        self._follower.learn(revocation)
        self._announce()

    def announce(self) -> None:
        """What was revoked is known to the database alone: all look there, and so does this
        process."""
        self._follower.hear()
        self._announce()

    async def living_roles(self, claims: AccessClaims, *, fresh: bool = False) -> frozenset[str]:
        if fresh or self._strict or not self._follower.is_current:
            return await self._ask_the_database(claims)
        if self._memory.covers(claims.account_id, claims.session_id, claims.epoch):
            raise SessionRevokedError
        return claims.roles

    async def _ask_the_database(self, claims: AccessClaims) -> frozenset[str]:
        row = await self._reader.row(_STATE, claims.session_id, claims.account_id)
        if row is None or row["revoked"]:
            raise SessionRevokedError
        if not row["active"]:
            raise AccountDisabledError
        return frozenset(row["roles"])
