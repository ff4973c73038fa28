"""The repositories of `auth`, on SQLAlchemy."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached

from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import Accounts, ApiKeys, Sessions
from app.modules.auth.domain.session import Session
from app.modules.auth.infrastructure.activity_table import activities
from app.modules.auth.infrastructure.address_claim import claim
from app.modules.auth.infrastructure.api_key_table import api_keys
from app.modules.auth.infrastructure.mail_table import outgoing_mails
from app.modules.auth.infrastructure.tables import IS_ADMIN, accounts, sessions

_TURNS = 0x6D61696C
"""The first half of these advisory locks' keys: nobody else's begin with it."""


class SqlAlchemyAccounts(Accounts):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, account: Account) -> None:
        self._session.add(account)

    async def by_id(self, account_id: UUID) -> Account | None:
        return await self._session.get(Account, account_id)

    async def locked(self, account_id: UUID) -> Account | None:
        found = await self._session.execute(
            select(Account).where(accounts.c.id == account_id).with_for_update()
        )
        return found.scalar_one_or_none()

    async def by_email(self, email_key: str) -> Account | None:
        found = await self._session.execute(
            select(Account).where(accounts.c.email_key == email_key)
        )
        return found.scalar_one_or_none()

    async def locked_by_email(self, email_key: str) -> Account | None:
        # Turns are taken for an address that is nobody's as well: else, of many requests at once,
        # only those for an account would wait for each other, and the last of them would tell.
        turn = func.pg_advisory_xact_lock(_TURNS, func.hashtext(email_key))
        await self._session.execute(select(turn))
        found = await self._session.execute(
            select(Account).where(accounts.c.email_key == email_key).with_for_update()
        )
        return found.scalar_one_or_none()

    async def claim(self, account: Account, *, otherwise: OutgoingMail) -> UUID:
        holder = await claim(self._session, account, otherwise)
        stored: Account | OutgoingMail = account
        if holder != account.id:
            otherwise.account_id = holder
            stored = otherwise
        make_transient_to_detached(stored)
        self._session.add(stored)
        return holder

    async def locked_admins(self) -> list[Account]:
        found = await self._session.execute(
            select(Account)
            .where(IS_ADMIN, accounts.c.status == AccountStatus.ACTIVE)
            .order_by(accounts.c.id)
            .with_for_update()
        )
        return list(found.scalars())

    async def remove(self, account: Account) -> None:
        # Sessions and API keys go by their foreign keys, after whoever holds one of them; what
        # that one left behind goes then.
        mine = select(sessions.c.id).where(sessions.c.account_id == account.id)
        await self._session.execute(mine.order_by(sessions.c.id).with_for_update())
        await self._session.delete(account)
        await self._session.flush()
        for table in (outgoing_mails, activities):
            await self._session.execute(delete(table).where(table.c.account_id == account.id))


class SqlAlchemySessions(Sessions):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def locked(self, session_id: UUID) -> Session | None:
        found = await self._session.execute(
            select(Session).where(sessions.c.id == session_id).with_for_update()
        )
        return found.scalar_one_or_none()

    async def locked_of(self, account_id: UUID) -> list[Session]:
        found = await self._session.execute(
            select(Session)
            .where(sessions.c.account_id == account_id, sessions.c.revoked_at.is_(None))
            .order_by(sessions.c.id)
            .with_for_update()
        )
        return list(found.scalars())


class SqlAlchemyApiKeys(ApiKeys):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, key: ApiKey) -> None:
        self._session.add(key)

    async def count(self, account_id: UUID) -> int:
        counted = await self._session.execute(
            select(func.count()).where(api_keys.c.account_id == account_id)
        )
        return counted.scalar_one()

    async def locked(self, key_id: UUID, *, of: UUID) -> ApiKey | None:
        found = await self._session.execute(
            select(ApiKey)
            .where(api_keys.c.id == key_id, api_keys.c.account_id == of)
            .with_for_update()
        )
        return found.scalar_one_or_none()

    async def remove(self, key: ApiKey) -> None:
        await self._session.delete(key)

    async def void(self, account_id: UUID) -> None:
        await self._session.execute(delete(api_keys).where(api_keys.c.account_id == account_id))
