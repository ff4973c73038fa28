"""Enable an account that was disabled; its owner logs in anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.administration import take_hold
from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.shared.application.authorization import Access, admins
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class EnableAccount:
    caller: Principal
    account_id: UUID


@handler
class EnableAccountHandler:
    """Idempotent."""

    access: ClassVar[Access] = admins()

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: EnableAccount) -> None:
        """Raises `AccountNotFoundError`."""
        async with self.uow() as uow:
            account, _ = await take_hold(uow, message.caller, message.account_id)
            if account.is_active:
                return
            account.enable()
            uow.activity.add(Activity.of(account.id, ActivityKind.ACCOUNT_ENABLED))
            await uow.commit()
        log_event(SecurityEvent.ENABLE_ACCOUNT, account_id=account.id)
