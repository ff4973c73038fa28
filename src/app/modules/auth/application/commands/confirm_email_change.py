"""Confirm another e-mail address by the token that was mailed to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mail_proof import accept
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import EmailTakenError, LinkInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, void_all
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class ConfirmEmailChange:
    token: str = field(repr=False)


@handler
class ConfirmEmailChangeHandler:
    """Sessions stay: the password is the same. Other links go: they were mailed elsewhere."""

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens

    async def __call__(self, message: ConfirmEmailChange) -> None:
        """Raises `LinkInvalidError`, also when somebody else has the address by now."""
        mail_id = self.mailed_tokens.parse(MailKind.CONFIRM_EMAIL, message.token)
        async with self.uow() as uow:
            proof = await accept(uow, MailKind.CONFIRM_EMAIL, mail_id)
            account, before = proof.account, proof.account.email.display
            account.change_email(EmailAddress.parse(proof.mail.address), proof.now)
            void_all(proof.others, proof.now)
            uow.mails.add(
                OutgoingMail.notice(
                    MailKind.EMAIL_CHANGED, account=account, now=proof.now, address=before
                )
            )
            uow.activity.add(Activity.of(account.id, ActivityKind.EMAIL_CHANGED))
            try:
                await uow.commit()
            except EmailTakenError:
                raise LinkInvalidError from None
        log_event(SecurityEvent.CONFIRM_EMAIL_CHANGE, account_id=account.id)
