"""Ask for a mail that lets its reader choose a new password: the answer to a forgotten one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.application.throttling import MailThrottle
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, is_enough
from app.modules.auth.domain.policies import MailPolicy
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.handler import handler

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RequestPasswordReset:
    email: str = field(repr=False)
    client: str | None = None
    """The caller's address, for the throttle."""


@handler
class RequestPasswordResetHandler:
    """Known or unknown, active or not: the same statements, one commit, one event.

    Only the newest token of an account is good; a request that sends no mail voids nothing.
    """

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens
    mail_policy: MailPolicy
    mail_throttle: MailThrottle

    async def __call__(self, message: RequestPasswordReset) -> None:
        """Raises `EmailInvalidError` for what is no address, and `RequestsThrottledError`."""
        email = EmailAddress.parse(message.email)
        await self.mail_throttle.admit(message.client)
        async with self.uow() as uow:
            account = await uow.accounts.locked_by_email(email.key)
            mails = await uow.mails.of_account(account.id if account else _NOBODY)
            now = await uow.now()
            kind = MailKind.RESET_PASSWORD
            void: list[OutgoingMail] = []
            if (
                account is None
                or not account.is_active
                or is_enough(kind, account, mails, self.mail_policy, now)
            ):
                mail = OutgoingMail.to_nobody(kind, now=now)
            else:
                void = [mail for mail in mails if mail.kind is kind]
                mail = OutgoingMail.with_token(
                    kind,
                    account=account,
                    kid=self.mailed_tokens.current_kid,
                    policy=self.mail_policy,
                    now=now,
                )
            await uow.mails.void(void, now)
            uow.mails.add(mail)
            await uow.commit()
        outcome = "nobody" if mail.account_id is None else "done"
        log_event(
            SecurityEvent.REQUEST_PASSWORD_RESET,
            outcome,
            account_id=account.id if account else None,
        )
