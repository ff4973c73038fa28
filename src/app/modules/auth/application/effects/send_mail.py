"""When a mail is due, send it."""

from __future__ import annotations

from app.modules.auth.application.postman import Postman
from app.modules.auth.domain.events import MailDue
from app.shared.application.handler import handler


@handler
class SendMail:
    postman: Postman

    async def __call__(self, event: MailDue, idempotency_key: str) -> None:
        """Raises what the mailer raises."""
        await self.postman.deliver(lambda uow: uow.mails.by_id(event.mail_id), idempotency_key)
