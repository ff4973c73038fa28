"""The repository of mails, on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import OutgoingMails
from app.modules.auth.infrastructure.mail_table import outgoing_mails

_WRITTEN = or_(
    outgoing_mails.c.kind != MailKind.VERIFY_EMAIL, outgoing_mails.c.expires_at.is_not(None)
)
_STILL_MATTERS = or_(
    outgoing_mails.c.kind == MailKind.VERIFY_EMAIL,
    outgoing_mails.c.created_at > func.clock_timestamp() - timedelta(hours=1),
    outgoing_mails.c.expires_at > func.clock_timestamp(),
)
"""The others are not read, or the time that it takes would tell who is sent many mails."""


class SqlAlchemyOutgoingMails(OutgoingMails):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, mail: OutgoingMail) -> None:
        self._session.add(mail)

    async def by_id(self, mail_id: UUID) -> OutgoingMail | None:
        return await self._session.get(OutgoingMail, mail_id)

    async def owner(self, mail_id: UUID) -> UUID | None:
        return await self._session.scalar(
            select(outgoing_mails.c.account_id).where(outgoing_mails.c.id == mail_id)
        )

    async def of_account(self, account_id: UUID) -> list[OutgoingMail]:
        found = await self._session.execute(
            select(OutgoingMail)
            .where(outgoing_mails.c.account_id == account_id, _WRITTEN, _STILL_MATTERS)
            .order_by(outgoing_mails.c.created_at.desc())
        )
        return list(found.scalars())

    async def void(self, mails: Sequence[OutgoingMail], now: datetime) -> None:
        await self._session.execute(
            update(outgoing_mails)
            .where(
                outgoing_mails.c.id.in_([mail.id for mail in mails] or [UUID(int=0)]),
                outgoing_mails.c.expires_at > now,
            )
            .values(expires_at=now)
        )
