"""Make the first administrator; for the operator's command line only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork, PasswordHasher
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import EmailTakenError
from app.modules.auth.domain.password import NewPassword, PasswordPolicy
from app.shared.application.authorization import OPERATOR, Access
from app.shared.application.clock import Clock
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class CreateAdmin:
    email: str = field(repr=False)
    password: str = field(repr=False)


@handler
class CreateAdminHandler:
    access: ClassVar[Access] = OPERATOR

    uow: Callable[[], AuthUnitOfWork]
    hasher: PasswordHasher
    password_policy: PasswordPolicy
    clock: Clock

    async def __call__(self, message: CreateAdmin) -> UUID:
        """The new account's id. Raises `EmailTakenError`, and the `InvalidError` of bad input."""
        email = EmailAddress.parse(message.email)
        password = NewPassword.choose(message.password, policy=self.password_policy, email=email)
        password_hash = await self.hasher.hash(password.value)

        async with self.uow() as uow:
            if await uow.accounts.by_email(email.key):
                raise EmailTakenError
            account = Account.appoint_admin(
                email=email, password_hash=password_hash, now=self.clock.now()
            )
            uow.accounts.add(account)
            await uow.commit()
        log_event(SecurityEvent.CREATE_ADMIN, account_id=account.id)
        return account.id
