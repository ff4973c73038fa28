"""End one of one's own sessions, on a device that may be out of reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ending import end
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.errors import SessionNotFoundError
from app.modules.auth.domain.session_values import Device, RevocationReason
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class RevokeSession:
    caller: Principal
    session_id: UUID
    device: Device = field(default_factory=Device)


@handler
class RevokeSessionHandler:
    """Idempotent: the answer may have been lost, so what is over already is no error."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: RevokeSession) -> None:
        """Raises `SessionNotFoundError`, alike for somebody else's session and for none."""
        async with self.uow() as uow:
            session = await uow.sessions.locked(message.session_id)
            if session is None or session.account_id != message.caller.account_id:
                raise SessionNotFoundError
            if session.revoked_at is not None:
                return
            await end(uow, [session], RevocationReason.OWNER, device=message.device)
            await uow.commit()
        log_event(
            SecurityEvent.REVOKE_SESSION, account_id=session.account_id, session_id=session.id
        )
