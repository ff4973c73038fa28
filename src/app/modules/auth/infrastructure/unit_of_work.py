"""The unit of work of `auth` and its repositories, on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import DateTime, func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.modules.auth.application.ports import AuthUnitOfWork, AuthWork
from app.modules.auth.domain.activity import Activity
from app.modules.auth.domain.errors import EmailTakenError
from app.modules.auth.domain.ports import Activities, Revocation, Revocations
from app.modules.auth.infrastructure.activity_table import activities
from app.modules.auth.infrastructure.outgoing_mails import SqlAlchemyOutgoingMails
from app.modules.auth.infrastructure.repositories import (
    SqlAlchemyAccounts,
    SqlAlchemyApiKeys,
    SqlAlchemySessions,
)
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.tables import revocations
from app.shared.domain.errors import DomainError
from app.shared.infrastructure.unit_of_work import Publish, SqlAlchemyUnitOfWork


class SqlAlchemyRevocations(Revocations):
    def __init__(self) -> None:
        self.added: list[Revocation] = []

    def add(self, revocation: Revocation) -> None:
        self.added.append(revocation)


class SqlAlchemyActivities(Activities):
    def __init__(self) -> None:
        self.added: list[Activity] = []

    def add(self, activity: Activity) -> None:
        self.added.append(activity)


class SqlAlchemyAuthWork(AuthWork):
    """The repository on a session that somebody else commits."""

    def __init__(self, session: AsyncSession) -> None:
        self.accounts = SqlAlchemyAccounts(session)


class SqlAlchemyAuthUnitOfWork(SqlAlchemyUnitOfWork, AuthUnitOfWork):
    """Stores revocations and activity with the change that caused them, and lets this process know
    of the revocations."""

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
        self.mails = SqlAlchemyOutgoingMails(session)
        self.api_keys = SqlAlchemyApiKeys(session)
        self.revocations = SqlAlchemyRevocations()
        self.activity = SqlAlchemyActivities()

    async def now(self) -> datetime:
        read = await self._session.execute(select(func.clock_timestamp(type_=DateTime(True))))
        return read.scalar_one()

    async def commit(self) -> None:
        revoked, self.revocations.added = self.revocations.added, []
        happened, self.activity.added = self.activity.added, []
        # The flush is the kernel's, which knows what a violated constraint means.
        with self._session.no_autoflush:
            if revoked:
                await self._session.execute(insert(revocations), [asdict(each) for each in revoked])
            if happened:
                await self._session.execute(insert(activities), [asdict(each) for each in happened])
        await super().commit()
        for revocation in revoked:
            self._revoked.add(revocation)
