"""Takes a mail that is owed to the post, if it still has something to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.mailing import MailComposer
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.shared.application.mailer import Mailer

FindMail = Callable[[AuthUnitOfWork], Awaitable[OutgoingMail | None]]


@dataclass(frozen=True)
class Postman:
    """To the stored address; a mail whose token can do nothing by now is not sent any more."""

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens
    composer: MailComposer
    mailer: Mailer

    async def deliver(self, find: FindMail, idempotency_key: str) -> None:
        """Raises what the mailer raises."""
        async with self.uow() as uow:
            mail = await find(uow)
            due = mail is not None and await _is_due(mail, uow)
        if mail is not None and due:
            await self.post(mail, idempotency_key)

    async def post(self, mail: OutgoingMail, idempotency_key: str) -> None:
        """Raises what the mailer raises."""
        token = self.mailed_tokens.mint(mail.kind, mail.id, mail.kid) if mail.kid else None
        letter = self.composer.compose(
            mail.kind, to=EmailAddress.parse(mail.address), locale=mail.locale, token=token
        )
        await self.mailer.send(letter, idempotency_key=idempotency_key)
        log_event(SecurityEvent.SEND_MAIL, mail.kind, account_id=mail.account_id)


async def _is_due(mail: OutgoingMail, uow: AuthUnitOfWork) -> bool:
    if not mail.address:
        return False
    if mail.expires_at is None:
        return True
    account = await uow.accounts.by_id(mail.account_id) if mail.account_id else None
    good = account is not None and mail.is_good_for(mail.kind, account, await uow.now())
    if not good or await _is_taken(mail, uow):
        log_event(SecurityEvent.SEND_MAIL, "void", account_id=mail.account_id)
        return False
    return True


async def _is_taken(mail: OutgoingMail, uow: AuthUnitOfWork) -> bool:
    """Whether the address that an account is to have is an account's already. Asked here, where
    nobody learns of it: who asked for the address can have the mail's row exported."""
    if mail.kind is not MailKind.CONFIRM_EMAIL:
        return False
    return await uow.accounts.by_email(EmailAddress.parse(mail.address).key) is not None
