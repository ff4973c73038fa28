"""When an account was registered, write and send the mail that verifies its address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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
_LATEST = timedelta(hours=6)
"""Later than any attempt: a registration that is replayed after that welcomes nobody."""


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
        mail = await self._written(uuid5(_WELCOMES, idempotency_key), event.account_id)
        if mail is not None:
            await self.postman.post(mail, idempotency_key)

    async def _written(self, mail_id: UUID, account_id: UUID) -> OutgoingMail | None:
        """None where nothing is left to prove, or another mail was asked for meanwhile."""
        async with self.uow() as uow:
            account = await uow.accounts.locked(account_id)
            if account is None or account.is_verified or not account.is_active:
                return None
            now = await uow.now()
            if now - account.created_at > _LATEST:
                return None
            mails = await uow.mails.of_account(account_id)
            mail = next((mail for mail in mails if mail.proves_the_first_registration), None)
            if mail is None:
                mail = OutgoingMail.welcome(
                    mail_id,
                    account=account,
                    kid=self.mailed_tokens.current_kid,
                    policy=self.mail_policy,
                    now=now,
                )
                uow.mails.add(mail)
            elif mail.id != mail_id:
                return None
            elif not mail.is_good_for(mail.kind, account, now):
                mail.renew(account, self.mail_policy, now)
            await uow.commit()
            return mail
