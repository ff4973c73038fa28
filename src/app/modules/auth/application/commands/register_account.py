"""Register an account, and answer the same whether or not the address already has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import AuthUnitOfWork, PasswordHasher
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, is_enough
from app.modules.auth.domain.password import NewPassword, PasswordPolicy
from app.modules.auth.domain.policies import MailPolicy
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
    """Known or new, an address costs one hash and one commit with one event, which brings a mail.

    Registering an unverified address once more stores an attempt: its password counts as soon as
    somebody who reads the address' mail says so, and until then changes nothing.
    """

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    hasher: PasswordHasher
    mailed_tokens: MailedTokens
    mail_policy: MailPolicy
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
            holder = await uow.accounts.claim(account)
            if holder is not account:
                uow.mails.add(await self._mail_to(holder, password_hash, uow, now))
            await uow.commit()
        outcome = "done" if holder is account else "repeated"
        log_event(SecurityEvent.REGISTER, outcome, account_id=holder.id)

    async def _mail_to(
        self, holder: Account, password_hash: str, uow: AuthUnitOfWork, now: datetime
    ) -> OutgoingMail:
        kind = MailKind.ALREADY_REGISTERED if holder.is_verified else MailKind.VERIFY_EMAIL
        mails = await uow.mails.of_account(holder.id)
        if not holder.is_active or is_enough(kind, holder, mails, self.mail_policy, now):
            return OutgoingMail.to_nobody(kind, now=now)
        if holder.is_verified:
            return OutgoingMail.notice(kind, account=holder, now=now)
        return OutgoingMail.with_token(
            kind,
            account=holder,
            kid=self.mailed_tokens.current_kid,
            policy=self.mail_policy,
            now=now,
            password_hash=password_hash,
        )
