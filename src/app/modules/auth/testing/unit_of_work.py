"""The unit of work of `auth` and its repositories, in memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.ports import Accounts, Revocation, Revocations, Sessions
from app.modules.auth.domain.session import Session
from app.shared.application.clock import Clock
from app.shared.domain.event import Event
from app.shared.testing.unit_of_work import (
    InMemoryRepository,
    InMemoryTable,
    InMemoryUnitOfWork,
)


class InMemoryAccounts(InMemoryRepository[Account], Accounts):
    async def by_id(self, account_id: UUID) -> Account | None:
        return self.find(lambda account: account.id == account_id)

    async def by_email(self, email_key: str) -> Account | None:
        return self.find(lambda account: account.email.key == email_key)

    async def claim(self, account: Account) -> Account:
        holder = await self.by_email(account.email.key)
        if holder is None:
            self.add(account)
        return holder or account


class InMemorySessions(InMemoryRepository[Session], Sessions):
    async def locked(self, session_id: UUID) -> Session | None:
        return await self.find_locked(session_id)


class InMemoryRevocations(Revocations):
    def __init__(self) -> None:
        self.added: list[Revocation] = []

    def add(self, revocation: Revocation) -> None:
        self.added.append(revocation)


class InMemoryAuthUnitOfWork(InMemoryUnitOfWork, AuthUnitOfWork):
    """`revoked` gets the revocations of every commit, in order."""

    def __init__(
        self,
        accounts: InMemoryTable[Account],
        sessions: InMemoryTable[Session],
        revoked: list[Revocation],
        published: list[Event],
        clock: Clock,
    ) -> None:
        super().__init__(published)
        self._accounts = accounts
        self._sessions = sessions
        self._revoked = revoked
        self._clock = clock

    def _open(self) -> list[InMemoryRepository[Any]]:
        self.accounts = InMemoryAccounts(self._accounts)
        self.sessions = InMemorySessions(self._sessions)
        self.revocations = InMemoryRevocations()
        return [self.accounts, self.sessions]

    async def now(self) -> datetime:
        return self._clock.now()

    async def commit(self) -> None:
        await super().commit()
        self._revoked += self.revocations.added
