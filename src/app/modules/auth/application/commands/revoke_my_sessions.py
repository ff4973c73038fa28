"""End all of one's own sessions, or all but the one that asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ending import end, living
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.session_values import Device, RevocationReason
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class RevokeMySessions:
    caller: Principal
    others_only: bool
    device: Device = field(default_factory=Device)


@handler
class RevokeMySessionsHandler:
    """API keys stay: they are no sessions."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: RevokeMySessions) -> None:
        caller = message.caller
        async with self.uow() as uow:
            sessions = await living(uow, caller.account_id)
            if message.others_only:
                sessions = [each for each in sessions if each.id != caller.session_id]
            await end(uow, sessions, RevocationReason.OWNER, device=message.device)
            await uow.commit()
        for session in sessions:
            log_event(
                SecurityEvent.REVOKE_SESSION, account_id=caller.account_id, session_id=session.id
            )
