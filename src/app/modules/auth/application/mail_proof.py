"""What a mailed token proves: that somebody reads the mail of an account, now and once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import LinkInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail


@dataclass(frozen=True, slots=True, kw_only=True)
class MailProof:
    """The account is locked until the transaction ends, so nobody else shows the token as well."""

    account: Account
    mail: OutgoingMail
    others: list[OutgoingMail]
    """Every mail of the account, this one included."""
    now: datetime


async def accept(uow: AuthUnitOfWork, kind: MailKind, mail_id: UUID) -> MailProof:
    """Raises `LinkInvalidError` unless the mail's token does what it was made for."""
    owner = await uow.mails.owner(mail_id)
    account = await uow.accounts.locked(owner) if owner else None
    if account is None:
        raise LinkInvalidError
    now = await uow.now()
    mails = await uow.mails.of_account(account.id)
    for mail in mails:
        if mail.id == mail_id and mail.is_good_for(kind, account, now):
            return MailProof(account=account, mail=mail, others=mails, now=now)
    raise LinkInvalidError
