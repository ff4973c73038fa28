"""What lies in the post of an account in memory."""

from __future__ import annotations

from datetime import timedelta

from app.modules.auth.application.effects.send_mail import SendMail
from app.modules.auth.application.effects.send_to_holder import SendToHolder
from app.modules.auth.application.effects.send_welcome import SendWelcome
from app.modules.auth.application.postman import Postman
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.events import MailDue, RegistrationRepeated
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.infrastructure.jinja_mail_composer import JinjaMailComposer
from app.modules.auth.testing import InMemoryAuth
from app.shared.testing.mailer import InMemoryMailer


def mails(auth: InMemoryAuth, *kinds: MailKind) -> list[OutgoingMail]:
    """Those to somebody, oldest first."""
    found = sorted(auth.mails, key=lambda mail: mail.created_at)
    return [mail for mail in found if mail.address and (not kinds or mail.kind in kinds)]


def token_in(auth: InMemoryAuth, mail: OutgoingMail) -> str:
    assert mail.kid is not None
    return auth.mailed_tokens.mint(mail.kind, mail.id, mail.kid)


def newest_token(auth: InMemoryAuth, kind: MailKind) -> str:
    return token_in(auth, mails(auth, kind)[-1])


def postman_of(auth: InMemoryAuth, mailer: InMemoryMailer) -> Postman:
    composer = JinjaMailComposer(
        service="Bulkhead",
        frontend_url="https://app.example",
        token_lifetime=timedelta(minutes=10),
    )
    return Postman(auth.uow, auth.mailed_tokens, composer, mailer)


def welcome_of(auth: InMemoryAuth, mailer: InMemoryMailer) -> SendWelcome:
    return SendWelcome(auth.uow, auth.mailed_tokens, auth.mail_policy, postman_of(auth, mailer))


def answer_of(auth: InMemoryAuth, mailer: InMemoryMailer) -> SendToHolder:
    return SendToHolder(auth.uow, auth.mailed_tokens, auth.mail_policy, postman_of(auth, mailer))


async def deliver_mails(auth: InMemoryAuth, mailer: InMemoryMailer) -> None:
    """Whatever is owed."""
    send = SendMail(postman_of(auth, mailer))
    for event in auth.published:
        if isinstance(event, MailDue):
            await send(event, f"{event.mail_id}:auth.send_mail")


async def answer_registrations(auth: InMemoryAuth) -> None:
    """Deliver every registration to what writes to new accounts, or to those that are there."""
    welcome, answer = welcome_of(auth, InMemoryMailer()), answer_of(auth, InMemoryMailer())
    for event in auth.published:
        if isinstance(event, AccountRegistered):
            await welcome(event, f"{event.account_id}:auth.send_welcome")
        if isinstance(event, RegistrationRepeated):
            await answer(event, f"{event.mail_id}:auth.send_to_holder")
