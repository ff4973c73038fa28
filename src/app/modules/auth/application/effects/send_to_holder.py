"""When an address that has an account was registered once more, write and send the mail to its
holder."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.application.postman import Postman
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.events import RegistrationRepeated
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, is_enough
from app.modules.auth.domain.policies import MailPolicy
from app.shared.application.handler import handler


@handler
class SendToHolder:
    """Written here and not by the registration, which would tell by its time what it found."""

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens
    mail_policy: MailPolicy
    postman: Postman

    async def __call__(self, event: RegistrationRepeated, idempotency_key: str) -> None:
        """Raises what the mailer raises."""
        await self._write(event.mail_id)
        await self.postman.deliver(lambda uow: uow.mails.by_id(event.mail_id), idempotency_key)

    async def _write(self, mail_id: UUID) -> None:
        """Once: a later attempt finds it written."""
        async with self.uow() as uow:
            owner = await uow.mails.owner(mail_id)
            holder = await uow.accounts.locked(owner) if owner else None
            mail = await uow.mails.by_id(mail_id)
            if holder is None or mail is None or mail.is_written:
                return
            await self._say(mail, holder, uow)
            await uow.commit()

    async def _say(self, mail: OutgoingMail, holder: Account, uow: AuthUnitOfWork) -> None:
        kind = MailKind.ALREADY_REGISTERED if holder.is_verified else MailKind.VERIFY_EMAIL
        mails = await uow.mails.of_account(holder.id)
        now = await uow.now()
        if not holder.is_active or is_enough(kind, holder, mails, self.mail_policy, now):
            mail.drop()
        elif holder.is_verified:
            mail.write_notice(kind, holder, now=now)
        else:
            kid = self.mailed_tokens.current_kid
            mail.write_proof(holder, kid=kid, policy=self.mail_policy, now=now)
