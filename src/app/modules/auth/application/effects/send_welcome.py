"""When an account was registered, write and send the mail that verifies its address."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid5

from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.application.postman import Postman
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.policies import MailPolicy
from app.shared.application.handler import handler

_WELCOMES = UUID("5b1d8a0e-6f2c-4e57-9a5e-2d6c3f0b7a41")
"""One mail for each registration, however often it is tried."""


@handler
class SendWelcome:
    """Written here and not with the account: a registration costs a row less, and its link counts
    from the moment of sending, however long the mail server was away."""

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens
    mail_policy: MailPolicy
    postman: Postman

    async def __call__(self, event: AccountRegistered, idempotency_key: str) -> None:
        """Raises what the mailer raises."""
        mail_id = uuid5(_WELCOMES, idempotency_key)
        await self._write(mail_id, event.account_id)
        await self.postman.deliver(lambda uow: uow.mails.by_id(mail_id), idempotency_key)

    async def _write(self, mail_id: UUID, account_id: UUID) -> None:
        async with self.uow() as uow:
            account = await uow.accounts.locked(account_id)
            if account is None or account.is_verified or not account.is_active:
                return
            now = await uow.now()
            mails = await uow.mails.of_account(account_id)
            latest = next((mail for mail in mails if mail.proves_the_first_registration), None)
            if latest is None:
                uow.mails.add(
                    OutgoingMail.welcome(
                        mail_id,
                        account=account,
                        kid=self.mailed_tokens.current_kid,
                        policy=self.mail_policy,
                        now=now,
                    )
                )
            elif latest.id == mail_id and not latest.is_good_for(latest.kind, account, now):
                latest.renew(account, self.mail_policy, now)
            await uow.commit()
