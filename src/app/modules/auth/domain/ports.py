"""The collections that the domain of `auth` keeps its aggregates in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.activity import Activity
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.session import Session


class Accounts(Protocol):
    """All accounts. A second account under one address is refused with `EmailTakenError`."""

    def add(self, account: Account) -> None: ...

    async def by_id(self, account_id: UUID) -> Account | None: ...

    async def locked(self, account_id: UUID) -> Account | None:
        """The account as it is, and nobody else changes it before this transaction ends."""
        ...

    async def by_email(self, email_key: str) -> Account | None: ...

    async def locked_by_email(self, email_key: str) -> Account | None:
        """As `locked`, by the address."""
        ...

    async def locked_admins(self) -> list[Account]:
        """Every active administrator, in the order of their ids and each as `locked`.

        To be asked for before any other account is locked: then two administrators who act on
        each other wait instead of blocking each other.
        """
        ...

    async def remove(self, account: Account) -> None:
        """With its sessions, API keys, mails and activity."""
        ...

    async def claim(self, account: Account, *, otherwise: OutgoingMail) -> UUID:
        """Add the account, or owe the mail to the one that has its address, and answer whose that
        is: known or new, the same statement, and never a refusal, however many ask at once."""
        ...


class Sessions(Protocol):
    """All sessions."""

    async def locked(self, session_id: UUID) -> Session | None:
        """The session as it is, and nobody else changes it before this transaction ends."""
        ...

    async def locked_of(self, account_id: UUID) -> list[Session]:
        """Those of the account that were not revoked, in the order of their ids and each as
        `locked`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Makes access tokens void before they expire: those of a session, or of an account's
    epochs below `epoch`."""

    account_id: UUID
    session_id: UUID | None = None
    epoch: int | None = None

    @classmethod
    def of_everything(cls, account: Account) -> Revocation:
        """What was issued before the account's epoch was raised."""
        return cls(account_id=account.id, epoch=account.auth_epoch)


class OutgoingMails(Protocol):
    """The mails of the last day. Those of an account change under the lock of the account."""

    def add(self, mail: OutgoingMail) -> None: ...

    async def by_id(self, mail_id: UUID) -> OutgoingMail | None: ...

    async def owner(self, mail_id: UUID) -> UUID | None:
        """The account to lock before the mail is read."""
        ...

    async def of_account(self, account_id: UUID) -> list[OutgoingMail]:
        """Those that are written, newest first: of the last hour, those whose token may be good,
        and each that verifies an address."""
        ...

    async def void(self, mails: Sequence[OutgoingMail], now: datetime) -> None:
        """As `OutgoingMail.void`, in one statement even where there are none: who asks by an
        address must not learn from the time whether something was void."""
        ...


class ApiKeys(Protocol):
    """The API keys of all accounts. New ones are added under the lock of the account."""

    def add(self, key: ApiKey) -> None: ...

    async def count(self, account_id: UUID) -> int: ...

    async def locked(self, key_id: UUID, *, of: UUID) -> ApiKey | None:
        """Only if it is one of this account's; nobody else removes it before this transaction
        ends."""
        ...

    async def remove(self, key: ApiKey) -> None: ...

    async def void(self, account_id: UUID) -> None:
        """Remove every key of the account."""
        ...


class Revocations(Protocol):
    """The append-only list of revocations; it outlives what it names."""

    def add(self, revocation: Revocation) -> None: ...


class Activities(Protocol):
    """What happened to accounts, append-only until it is too old to be of interest."""

    def add(self, activity: Activity) -> None: ...
