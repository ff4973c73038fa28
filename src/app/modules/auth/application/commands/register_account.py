"""Register an account, and answer the same whether or not the address already has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork, PasswordHasher
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.password import NewPassword, PasswordPolicy
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.clock import Clock
from app.shared.application.handler import handler
from app.shared.application.idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class RegisterAccount:
    email: str = field(repr=False)
    password: str = field(repr=False)
    locale: str = "en"
    """The language that the person reads (RFC 5646)."""
    client: str | None = None
    """The caller's address, which holds a bounded share of the hashing queue."""
    idempotency: IdempotencyKey | None = None


@handler
class RegisterAccountHandler:
    """Known or new, an address costs one hash, the same statements and one commit with one event,
    which brings a mail.

    Registering an unverified address once more stores an attempt: its password counts as soon as
    somebody who reads the address' mail says so, and until then changes nothing.
    """

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    hasher: PasswordHasher
    password_policy: PasswordPolicy
    clock: Clock

    async def __call__(self, message: RegisterAccount) -> None:
        """Raises `InvalidError` kinds for the address and the password."""
        email = EmailAddress.parse(message.email)
        password = NewPassword.choose(message.password, policy=self.password_policy, email=email)
        password_hash = await self.hasher.hash(password.value, client=message.client)
        now = self.clock.now()
        account = Account.register(
            email=email, password_hash=password_hash, now=now, locale=message.locale
        )

        async with self.uow() as uow:
            if await uow.remember(message.idempotency, by=None, answer={}) is not None:
                return
            mail = OutgoingMail.to_holder(password_hash=password_hash, now=now)
            holder = await uow.accounts.claim(account, otherwise=mail)
            await uow.commit()
        outcome = "done" if holder == account.id else "repeated"
        log_event(SecurityEvent.REGISTER, outcome, account_id=holder)
