"""Delete one's own account, with everything that is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Role
from app.modules.auth.domain.administration import keep_an_administrator
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import Revocation
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class DeleteAccount:
    caller: Principal
    current_password: str = field(repr=False)
    client: str | None = None
    """The caller's address."""


@handler
class DeleteAccountHandler:
    """The other modules erase what they keep when they hear of it."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]
    passwords: PasswordGate

    async def __call__(self, message: DeleteAccount) -> None:
        """Raises `CurrentPasswordWrongError`, `LastAdministratorError`, and `SessionRevokedError`
        when another change of the account came first."""
        known = await self.passwords.verify_current(
            message.caller.account_id, message.current_password, message.client
        )
        async with self.uow() as uow:
            if Role.ADMIN in known.roles:
                keep_an_administrator(await uow.accounts.locked_admins(), known.account_id)
            account = await uow.accounts.locked(known.account_id)
            if account is None or account.auth_epoch != known.epoch:
                raise SessionRevokedError
            now = await uow.now()
            account.delete(now)
            uow.revocations.add(Revocation.of_everything(account))
            await uow.accounts.remove(account)
            uow.mails.add(OutgoingMail.farewell(account=account, now=now))
            await uow.commit()
        log_event(SecurityEvent.DELETE_ACCOUNT, account_id=known.account_id)
