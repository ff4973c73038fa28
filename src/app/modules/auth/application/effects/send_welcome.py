"""When an account was registered, send the mail that verifies its address."""

from __future__ import annotations

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.application.postman import Postman
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.shared.application.handler import handler


@handler
class SendWelcome:
    """Its mail was written with the account, so the account's event stands for the mail's."""

    postman: Postman

    async def __call__(self, event: AccountRegistered, idempotency_key: str) -> None:
        """Raises what the mailer raises."""

        async def first(uow: AuthUnitOfWork) -> OutgoingMail | None:
            written = reversed(await uow.mails.of_account(event.account_id))
            return next((mail for mail in written if mail.kind is MailKind.VERIFY_EMAIL), None)

        await self.postman.deliver(first, idempotency_key)
