"""The unit of work of `auth` and its repositories, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.activity import Activity
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import (
    Accounts,
    Activities,
    OutgoingMails,
    Revocation,
    Revocations,
    Sessions,
)
from app.modules.auth.domain.session import Session
from app.modules.auth.testing.api_keys import InMemoryApiKeys
from app.shared.application.clock import Clock
from app.shared.domain.event import Event
from app.shared.testing.idempotency import InMemoryRequests
from app.shared.testing.unit_of_work import (
    InMemoryRepository,
    InMemoryTable,
    InMemoryUnitOfWork,
)


class InMemoryAccounts(InMemoryRepository[Account], Accounts):
    owned: tuple[InMemoryRepository[Any], ...] = ()
    """What goes with an account, by its `account_id`."""
    mails: InMemoryOutgoingMails

    async def by_id(self, account_id: UUID) -> Account | None:
        return self.find(lambda account: account.id == account_id)

    async def locked(self, account_id: UUID) -> Account | None:
        return await self.find_locked(account_id)

    async def by_email(self, email_key: str) -> Account | None:
        return self.find(lambda account: account.email.key == email_key)

    async def locked_by_email(self, email_key: str) -> Account | None:
        known = await self.by_email(email_key)
        return await self.find_locked(known.id) if known else None

    async def claim(self, account: Account, *, otherwise: OutgoingMail) -> UUID:
        holder = await self.by_email(account.email.key)
        if holder is None:
            self.add(account)
            return account.id
        otherwise.account_id = holder.id
        self.mails.add(otherwise)
        return holder.id

    async def locked_admins(self) -> list[Account]:
        ids = sorted(account.id for account in self._table if account.is_admin)
        locked = [await self.find_locked(account_id) for account_id in ids]
        return [account for account in locked if account and account.is_admin and account.is_active]

    async def remove(self, account: Account) -> None:
        self.delete(account.id)
        for repository in self.owned:
            for mine in repository.find_all(lambda one: one.account_id == account.id):
                repository.delete(mine.id)


class InMemorySessions(InMemoryRepository[Session], Sessions):
    async def locked(self, session_id: UUID) -> Session | None:
        return await self.find_locked(session_id)

    async def locked_of(self, account_id: UUID) -> list[Session]:
        ids = sorted(session.id for session in self._table if session.account_id == account_id)
        locked = [await self.find_locked(session_id) for session_id in ids]
        return [session for session in locked if session and session.revoked_at is None]


class InMemoryOutgoingMails(InMemoryRepository[OutgoingMail], OutgoingMails):
    async def by_id(self, mail_id: UUID) -> OutgoingMail | None:
        return self.find(lambda mail: mail.id == mail_id)

    async def owner(self, mail_id: UUID) -> UUID | None:
        mail = self.find(lambda mail: mail.id == mail_id)
        return mail.account_id if mail else None

    async def of_account(self, account_id: UUID) -> list[OutgoingMail]:
        found = self.find_all(lambda mail: mail.account_id == account_id and mail.is_written)
        return sorted(found, key=lambda mail: mail.created_at, reverse=True)

    async def void(self, mails: Sequence[OutgoingMail], now: datetime) -> None:
        for mail in mails:
            mail.void(now)


class InMemoryRevocations(Revocations):
    def __init__(self) -> None:
        self.added: list[Revocation] = []

    def add(self, revocation: Revocation) -> None:
        self.added.append(revocation)


class InMemoryActivities(Activities):
    def __init__(self) -> None:
        self.added: list[Activity] = []

    def add(self, activity: Activity) -> None:
        self.added.append(activity)


class InMemoryAuthUnitOfWork(InMemoryUnitOfWork, AuthUnitOfWork):
    """`revoked` gets the revocations of every commit, and `activity` what happened, in order."""

    def __init__(
        self,
        accounts: InMemoryTable[Account],
        sessions: InMemoryTable[Session],
        mails: InMemoryTable[OutgoingMail],
        api_keys: InMemoryTable[ApiKey],
        revoked: list[Revocation],
        activity: list[Activity],
        published: list[Event],
        requests: InMemoryRequests,
        clock: Clock,
    ) -> None:
        super().__init__(published, requests)
        self._accounts = accounts
        self._sessions = sessions
        self._mails = mails
        self._api_keys = api_keys
        self._revoked = revoked
        self._activity = activity
        self._clock = clock

    def _open(self) -> list[InMemoryRepository[Any]]:
        self.accounts = InMemoryAccounts(self._accounts)
        self.sessions = InMemorySessions(self._sessions)
        self.mails = InMemoryOutgoingMails(self._mails)
        self.api_keys = InMemoryApiKeys(self._api_keys)
        self.revocations = InMemoryRevocations()
        self.activity = InMemoryActivities()
        self.accounts.mails = self.mails
        self.accounts.owned = (self.sessions, self.mails, self.api_keys)
        return [self.accounts, *self.accounts.owned]

    async def now(self) -> datetime:
        return self._clock.now()

    async def commit(self) -> None:
        await super().commit()
        self._revoked += self.revocations.added
        self._activity += self.activity.added
        self.revocations.added, self.activity.added = [], []
