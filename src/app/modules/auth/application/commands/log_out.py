"""Log out: end one session, by whatever token of it the client still has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ending import end
from app.modules.auth.application.ports import AccessTokens, AuthUnitOfWork, RefreshTokens
from app.modules.auth.domain.activity import ActivityKind
from app.modules.auth.domain.errors import TokenError
from app.modules.auth.domain.session_values import Device, RevocationReason
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class LogOut:
    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    device: Device = field(default_factory=Device)


@handler
class LogOutHandler:
    """Idempotent: an expired token still ends its session, a forged one has no effect."""

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    refresh_tokens: RefreshTokens
    access_tokens: AccessTokens

    async def __call__(self, message: LogOut) -> None:
        session_id = self._session_named_by(message)
        if session_id is None:
            return
        async with self.uow() as uow:
            session = await uow.sessions.locked(session_id)
            if session is None or session.revoked_at is not None:
                return
            await end(
                uow,
                [session],
                RevocationReason.LOGOUT,
                device=message.device,
                shown_as=ActivityKind.LOGOUT,
            )
            await uow.commit()
        log_event(SecurityEvent.LOGOUT, account_id=session.account_id, session_id=session.id)

    def _session_named_by(self, message: LogOut) -> UUID | None:
        """By the refresh token, or by the access token where that one says nothing."""
        with suppress(TokenError):
            if message.refresh_token is not None:
                return self.refresh_tokens.parse(message.refresh_token).session_id
        with suppress(TokenError):
            if message.access_token is not None:
                return self.access_tokens.verify_signature(message.access_token).session_id
        return None
