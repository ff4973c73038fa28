"""Change what an account may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.administration import take_hold
from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Role
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.administration import keep_an_administrator
from app.modules.auth.domain.ports import Revocation
from app.shared.application.authorization import Access, admins
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class ChangeRoles:
    caller: Principal
    account_id: UUID
    roles: frozenset[Role]
    """All that it is to have; `user` is among them whether or not it is named."""


@handler
class ChangeRolesHandler:
    """Tokens name roles, so a change ends the account's sessions; naming those that it has changes
    nothing."""

    access: ClassVar[Access] = admins()

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: ChangeRoles) -> None:
        """Raises `AccountNotFoundError` and `LastAdministratorError`."""
        roles = message.roles | {Role.USER}
        async with self.uow() as uow:
            account, administrators = await take_hold(uow, message.caller, message.account_id)
            if account.roles == roles:
                return
            if Role.ADMIN not in roles:
                keep_an_administrator(administrators, account.id)
            account.change_roles(roles, await uow.now())
            uow.revocations.add(Revocation.of_everything(account))
            uow.activity.add(Activity.of(account.id, ActivityKind.ROLES_CHANGED))
            await uow.commit()
        log_event(SecurityEvent.CHANGE_ROLES, account_id=account.id)
