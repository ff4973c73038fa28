"""The session: one login on one device, and the refresh rotation that keeps it alive.

A refresh token names its session and a generation. The session remembers the latest generation n,
its parent p (the one whose presentation minted n) and whether the client proved that it got n.
Strict one-time use would log out everybody who loses a response; endless grace would hide a
thief. The table in `Session.present` gives both: a retry succeeds, a second holder is caught
(RFC 9700 §4.14.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    SessionExpiredError,
    SessionRevokedError,
    TokenError,
    TokenInvalidError,
    TokenReusedError,
    TokenSupersededError,
)
from app.modules.auth.domain.events import SessionCompromised
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session_values import Device, RevocationReason, SessionGrant
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.ids import new_id

_ZERO = timedelta(0)


@dataclass(eq=False, kw_only=True)
class Session(Aggregate):
    """One row for a login's whole life, whatever the number of refreshes.

    `epoch` is the account's at the moment its password hash was read; `kid` names the secret that
    minted the present generation, so that its token can be derived again.
    """

    id: UUID
    account_id: UUID
    epoch: int
    kid: str
    created_at: datetime
    rotated_at: datetime
    parent_rotated_at: datetime
    idle_expires_at: datetime
    absolute_expires_at: datetime
    generation: int = 1
    parent: int = 0
    confirmed_generation: int = 0
    recoveries: int = 0
    revoked_at: datetime | None = None
    revocation_reason: RevocationReason | None = None
    label: str | None = None
    user_agent: str | None = None
    ip: str | None = None

    @classmethod
    def start(
        cls,
        *,
        account_id: UUID,
        epoch: int,
        kid: str,
        device: Device,
        policy: RefreshPolicy,
        now: datetime,
    ) -> Session:
        return cls(
            id=new_id(),
            account_id=account_id,
            epoch=epoch,
            kid=kid,
            created_at=now,
            rotated_at=now,
            parent_rotated_at=now,
            idle_expires_at=now + policy.idle_lifetime,
            absolute_expires_at=now + policy.absolute_lifetime,
            label=device.label,
            user_agent=device.user_agent,
            ip=device.ip,
        )

    def confirm(self, generation: int) -> None:
        """Note that an access token of this generation was used, which is the client's receipt."""
        self.confirmed_generation = max(self.confirmed_generation, generation)

    def revoke(self, reason: RevocationReason, now: datetime) -> None:
        """End the session; the first reason stays."""
        if self.revoked_at is None:
            self.revoked_at = now
            self.revocation_reason = reason

    def present(
        self,
        generation: int,
        *,
        account: Account | None,
        kid: str,
        policy: RefreshPolicy,
        begun_at: datetime,
        now: datetime,
    ) -> TokenError | None:
        """Decide what the presented generation g means; the first row that matches.

        None means that the grant of the session's present state is the answer. A refusal is
        returned, not raised: what it changed has to be committed first.

        | row | g                                                | answer                        |
        |-----|--------------------------------------------------|-------------------------------|
        | 0   | session or account is over                       | its own refusal               |
        | 1   | n                                                | advance                       |
        | 2   | p, within the grace                              | the same successor again      |
        | 3   | p to n−1, n unconfirmed, recoveries left         | advance from g                |
        | 4   | n−1 ≠ p or p−1, each within its grace            | superseded, nothing revoked   |
        | 5   | any other below n                                | reuse: the session is revoked |
        | 6   | above n                                          | forged: the session is revoked|

        A grace of 0 is literal one-time use: rows 2 and 3 are off, and only a request that had
        begun before the rotation is superseded instead of taken for reuse.
        """
        if over := self._over(account, now):
            return over
        if generation == self.generation:
            self._advance(generation, kid, policy, now, recoveries=0)
            return None
        if generation > self.generation:
            self._end(generation, RevocationReason.FORGERY, now)
            return TokenInvalidError()
        if not policy.grace:
            if generation == self.parent and begun_at < self.rotated_at:
                return TokenSupersededError(retry_after=1)
            self._end(generation, RevocationReason.REUSE, now)
            return TokenReusedError()
        left = policy.grace - max(now - self.rotated_at, _ZERO)
        if generation == self.parent and left > _ZERO:
            return None
        if (
            self.parent <= generation
            and self.confirmed_generation < self.generation
            and self.recoveries < policy.max_recoveries
        ):
            self._advance(generation, kid, policy, now, recoveries=self.recoveries + 1)
            return None
        parent_left = policy.grace - max(now - self.parent_rotated_at, _ZERO)
        if generation == self.generation - 1 != self.parent and left > _ZERO:
            return TokenSupersededError(retry_after=left.total_seconds())
        if generation == self.parent - 1 and parent_left > _ZERO:
            return TokenSupersededError(retry_after=parent_left.total_seconds())
        self._end(generation, RevocationReason.REUSE, now)
        return TokenReusedError()

    def grant(self, roles: frozenset[str]) -> SessionGrant:
        return SessionGrant(
            session_id=self.id,
            account_id=self.account_id,
            generation=self.generation,
            kid=self.kid,
            epoch=self.epoch,
            roles=roles,
            authenticated_at=self.created_at,
            idle_expires_at=self.idle_expires_at,
            absolute_expires_at=self.absolute_expires_at,
        )

    def _over(self, account: Account | None, now: datetime) -> TokenError | None:
        if account is None or not account.is_active:
            return AccountDisabledError()
        if self.revoked_at is not None or self.epoch != account.auth_epoch:
            return SessionRevokedError()
        if now >= min(self.idle_expires_at, self.absolute_expires_at):
            return SessionExpiredError()
        return None

    def _advance(
        self, presented: int, kid: str, policy: RefreshPolicy, now: datetime, *, recoveries: int
    ) -> None:
        self.generation += 1
        self.parent = presented
        self.kid = kid
        self.parent_rotated_at = self.rotated_at
        self.rotated_at = now
        self.recoveries = recoveries
        self.idle_expires_at = min(now + policy.idle_lifetime, self.absolute_expires_at)

    def _end(self, presented: int, reason: RevocationReason, now: datetime) -> None:
        self.revoke(reason, now)
        self._record(
            SessionCompromised(
                account_id=self.account_id,
                session_id=self.id,
                presented_generation=presented,
                current_generation=self.generation,
            )
        )
