"""Ask for another e-mail address: it counts once somebody reads the mail that is sent to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import EmailInvalidError, SessionRevokedError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, is_enough, void_all
from app.modules.auth.domain.policies import MailPolicy
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class RequestEmailChange:
    caller: Principal
    new_email: str = field(repr=False)
    current_password: str = field(repr=False)
    client: str | None = None
    """The caller's address, for the throttle."""


@handler
class RequestEmailChangeHandler:
    """Free or taken, the new address is answered and stored alike, and the old one is told; what
    sends the mail asks whose it is."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]
    passwords: PasswordGate
    mailed_tokens: MailedTokens
    mail_policy: MailPolicy

    async def __call__(self, message: RequestEmailChange) -> None:
        """Raises `EmailInvalidError`, `CurrentPasswordWrongError`, or `SessionRevokedError` when
        another change of the account came first."""
        email = _parsed(message.new_email)
        known = await self.passwords.verify_current(
            message.caller.account_id, message.current_password, message.client
        )
        async with self.uow() as uow:
            account = await uow.accounts.locked(known.account_id)
            if account is None or account.auth_epoch != known.epoch:
                raise SessionRevokedError
            mails = await uow.mails.of_account(account.id)
            now = await uow.now()
            kind, told = MailKind.CONFIRM_EMAIL, MailKind.EMAIL_CHANGE_REQUESTED
            if is_enough(told, account, mails, self.mail_policy, now):
                uow.mails.add(OutgoingMail.to_nobody(kind, now=now))
                uow.mails.add(OutgoingMail.to_nobody(told, now=now))
            else:
                void_all(mails, now, kind)
                uow.mails.add(
                    OutgoingMail.with_token(
                        kind,
                        account=account,
                        kid=self.mailed_tokens.current_kid,
                        policy=self.mail_policy,
                        now=now,
                        address=email.display,
                    )
                )
                uow.mails.add(OutgoingMail.notice(told, account=account, now=now))
            await uow.commit()
        log_event(SecurityEvent.REQUEST_EMAIL_CHANGE, account_id=account.id)


def _parsed(new_email: str) -> EmailAddress:
    try:
        return EmailAddress.parse(new_email)
    except EmailInvalidError as refusal:
        refusal.pointer = "/new_email"
        raise
