"""Disable an account: whoever is in is out, and nobody comes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.administration import take_hold
from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.administration import keep_an_administrator
from app.modules.auth.domain.ports import Revocation
from app.shared.application.authorization import Access, admins
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class DisableAccount:
    caller: Principal
    account_id: UUID


@handler
class DisableAccountHandler:
    """Idempotent. What was issued stays void when the account is enabled again, API keys included.
    Administrators may disable themselves: another one can undo it."""

    access: ClassVar[Access] = admins()

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: DisableAccount) -> None:
        """Raises `AccountNotFoundError` and `LastAdministratorError`."""
        async with self.uow() as uow:
            account, administrators = await take_hold(uow, message.caller, message.account_id)
            if not account.is_active:
                return
            keep_an_administrator(administrators, account.id)
            account.disable(await uow.now())
            await uow.api_keys.void(account.id)
            uow.revocations.add(Revocation.of_everything(account))
            uow.activity.add(Activity.of(account.id, ActivityKind.ACCOUNT_DISABLED))
            await uow.commit()
        log_event(SecurityEvent.DISABLE_ACCOUNT, account_id=account.id)
