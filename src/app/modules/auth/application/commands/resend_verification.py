"""Mail the verification of an address once more, and answer the same for every address."""

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
class ResendVerification:
    email: str = field(repr=False)
    client: str | None = None
    """The caller's address, for the throttle."""


@handler
class ResendVerificationHandler:
    """Renews the latest registration of the address, whose earlier token is void then.

    Known or unknown, verified or not: the same statements, one commit, one event.
    """

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens
    mail_policy: MailPolicy
    mail_throttle: MailThrottle

    async def __call__(self, message: ResendVerification) -> None:
        """Raises `EmailInvalidError` for what is no address, and `RequestsThrottledError`."""
        email = EmailAddress.parse(message.email)
        await self.mail_throttle.admit(message.client)
        async with self.uow() as uow:
            account = await uow.accounts.locked_by_email(email.key)
            mails = await uow.mails.of_account(account.id if account else _NOBODY)
            now = await uow.now()
            kind = MailKind.VERIFY_EMAIL
            void: list[OutgoingMail] = []
            if (
                account is None
                or not account.is_active
                or account.is_verified
                or is_enough(kind, account, mails, self.mail_policy, now)
            ):
                mail = OutgoingMail.to_nobody(kind, now=now)
            else:
                # The account's own registration is the first of all, whenever its mail was written.
                verifying = (m for m in mails if m.kind is kind)
                earlier = min(verifying, key=lambda m: m.password_hash is None, default=None)
                mail = OutgoingMail.with_token(
                    kind,
                    account=account,
                    kid=self.mailed_tokens.current_kid,
                    policy=self.mail_policy,
                    now=now,
                    password_hash=earlier.password_hash if earlier else None,
                )
                void = [earlier] if earlier else []
            await uow.mails.void(void, now)
            uow.mails.add(mail)
            await uow.commit()
        outcome = "nobody" if mail.account_id is None else "done"
        log_event(
            SecurityEvent.RESEND_VERIFICATION, outcome, account_id=account.id if account else None
        )
