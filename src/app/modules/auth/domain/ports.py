"""The collections that the domain of `auth` keeps its aggregates in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.session import Session


class Accounts(Protocol):
    """All accounts. A second account under one address is refused with `EmailTakenError`."""

    def add(self, account: Account) -> None: ...

    async def by_id(self, account_id: UUID) -> Account | None: ...

    async def by_email(self, email_key: str) -> Account | None: ...

    async def claim(self, account: Account) -> Account:
        """Add the account, or answer the one that has its address: known or new, the same work,
        and never a refusal, however many ask at once."""
        ...


class Sessions(Protocol):
    """All sessions."""

    async def locked(self, session_id: UUID) -> Session | None:
        """The session as it is, and nobody else changes it before this transaction ends."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Makes access tokens void before they expire: those of a session, or of an account's
    epochs below `epoch`."""

    account_id: UUID
    session_id: UUID | None = None
    epoch: int | None = None


class Revocations(Protocol):
    """The append-only list of revocations; it outlives what it names."""

    def add(self, revocation: Revocation) -> None: ...
