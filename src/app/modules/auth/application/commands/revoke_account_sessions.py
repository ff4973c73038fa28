"""End every session of an account, from the administrator's side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ending import end, living
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.administration import AccountNotFoundError
from app.modules.auth.domain.session_values import RevocationReason
from app.shared.application.authorization import Access, admins
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class RevokeAccountSessions:
    caller: Principal
    account_id: UUID


@handler
class RevokeAccountSessionsHandler:
    access: ClassVar[Access] = admins()

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: RevokeAccountSessions) -> None:
        """Raises `AccountNotFoundError`."""
        async with self.uow() as uow:
            account = await uow.accounts.by_id(message.account_id)
            if account is None:
                raise AccountNotFoundError
            sessions = await living(uow, account.id)
            await end(uow, sessions, RevocationReason.ADMIN)
            await uow.commit()
        for session in sessions:
            log_event(SecurityEvent.REVOKE_SESSION, account_id=account.id, session_id=session.id)
