"""The unit of work of `auth` and its repositories, on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, func, insert, inspect, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import make_transient_to_detached

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import EmailTakenError
from app.modules.auth.domain.ports import Accounts, Revocation, Revocations, Sessions
from app.modules.auth.domain.session import Session
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.tables import accounts, revocations, sessions
from app.shared.domain.errors import DomainError
from app.shared.infrastructure.unit_of_work import Publish, SqlAlchemyUnitOfWork


class SqlAlchemyAccounts(Accounts):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, account: Account) -> None:
        self._session.add(account)

    async def by_id(self, account_id: UUID) -> Account | None:
        return await self._session.get(Account, account_id)

    async def by_email(self, email_key: str) -> Account | None:
        found = await self._session.execute(
            select(Account).where(accounts.c.email_key == email_key)
        )
        return found.scalar_one_or_none()

    async def claim(self, account: Account) -> Account:
        mapper = inspect(Account)
        upsert = pg_insert(accounts).values(
            {c.name: getattr(account, mapper.get_property_by_column(c).key) for c in accounts.c}
        )
        # The update changes nothing: it makes the row that is in the way come back, and locks it.
        claimed = upsert.on_conflict_do_update(
            index_elements=[accounts.c.email_key], set_={"email_key": upsert.excluded.email_key}
        ).returning(accounts)
        found = await self._session.execute(select(Account).from_statement(claimed))
        holder: Account = found.scalar_one()
        if holder.id != account.id:
            return holder
        self._session.expunge(holder)
        make_transient_to_detached(account)
        self._session.add(account)
        return account


class SqlAlchemySessions(Sessions):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def locked(self, session_id: UUID) -> Session | None:
        found = await self._session.execute(
            select(Session).where(sessions.c.id == session_id).with_for_update()
        )
        return found.scalar_one_or_none()


class SqlAlchemyRevocations(Revocations):
    def __init__(self) -> None:
        self.added: list[Revocation] = []

    def add(self, revocation: Revocation) -> None:
        self.added.append(revocation)


class SqlAlchemyAuthUnitOfWork(SqlAlchemyUnitOfWork, AuthUnitOfWork):
    """Stores revocations with the change that caused them and shows them to this process."""

    refusals: Mapping[str, type[DomainError]] = {"uq_account_email_key": EmailTakenError}

    def __init__(
        self,
        engine: AsyncEngine,
        publish: Publish,
        ring: Callable[[], None],
        revoked: RevocationList,
    ) -> None:
        super().__init__(engine, publish, ring)
        self._revoked = revoked

    def _open(self, session: AsyncSession) -> None:
        self.accounts = SqlAlchemyAccounts(session)
        self.sessions = SqlAlchemySessions(session)
        self.revocations = SqlAlchemyRevocations()

    async def now(self) -> datetime:
        read = await self._session.execute(select(func.clock_timestamp(type_=DateTime(True))))
        return read.scalar_one()

    async def commit(self) -> None:
        added = self.revocations.added
        if added:
            rows = [
                {"account_id": r.account_id, "session_id": r.session_id, "epoch": r.epoch}
                for r in added
            ]
            # The flush is the kernel's, which knows what a violated constraint means.
            with self._session.no_autoflush:
                await self._session.execute(insert(revocations), rows)
        await super().commit()
        for revocation in added:
            self._revoked.add(revocation)
