"""Rotate a refresh token: a retry after a lost response succeeds, a second holder is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import (
    AuthUnitOfWork,
    Evidence,
    PresentedRefreshToken,
    RefreshTokens,
    SessionStore,
)
from app.modules.auth.application.token_pair import TokenPair, TokenPairs
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session_values import SessionGrant
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.clock import Clock
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class RotateRefreshToken:
    refresh_token: str = field(repr=False)


@handler
class RotateRefreshTokenHandler:
    """The ordinary case is one compare-and-swap; only when it fails does the aggregate decide."""

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    sessions: SessionStore
    evidence: Evidence
    refresh_tokens: RefreshTokens
    pairs: TokenPairs
    refresh_policy: RefreshPolicy
    clock: Clock

    async def __call__(self, message: RotateRefreshToken) -> TokenPair:
        """Raises a `TokenError`; a terminal one means that the session is over."""
        begun_at = self.clock.now()
        presented = self.refresh_tokens.parse(message.refresh_token)
        grant = await self.sessions.advance(
            presented.session_id, presented.generation, self.refresh_tokens.current_kid
        )
        grant = grant or await self._decide(presented, begun_at)
        log_event(SecurityEvent.REFRESH, account_id=grant.account_id, session_id=grant.session_id)
        return self.pairs.mint(grant)

    async def _decide(self, presented: PresentedRefreshToken, begun_at: datetime) -> SessionGrant:
        async with self.uow() as uow:
            session = await uow.sessions.locked(presented.session_id)
            if session is None:
                raise SessionRevokedError
            account = await uow.accounts.by_id(session.account_id)
            alive = session.revoked_at is None
            session.confirm(self.evidence.latest(session.id))
            refusal = session.present(
                presented.generation,
                account=account,
                kid=self.refresh_tokens.current_kid,
                policy=self.refresh_policy,
                begun_at=begun_at,
                now=await uow.now(),
            )
            compromised = alive and session.revoked_at is not None
            if compromised:
                uow.revocations.add(
                    Revocation(account_id=session.account_id, session_id=session.id)
                )
                uow.activity.add(
                    Activity.of(
                        session.account_id,
                        ActivityKind.SESSION_COMPROMISED,
                        session_id=session.id,
                    )
                )
            await uow.commit()
            if refusal:
                log_event(
                    SecurityEvent.REFRESH,
                    refusal.code,
                    account_id=session.account_id,
                    session_id=session.id,
                )
                raise refusal
            return session.grant(account.roles if account else frozenset())
