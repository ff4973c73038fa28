"""Stored passwords, as whoever compares them needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a login is decided on, read in one statement: the hash and the epoch belong together."""

    account_id: UUID
    email_key: str = field(repr=False)
    password_hash: str = field(repr=False)
    epoch: int
    roles: frozenset[str]
    active: bool
    verified: bool
    """Whether somebody has proved that the address is theirs."""
    session_id: UUID | None = None
    """The session that was asked about, when it is or was this account's."""


@runtime_checkable
class CredentialStore(Protocol):
    """Stored passwords, each call one atomic statement."""

    async def of(self, email_key: str, *, session_id: UUID | None = None) -> Credentials | None: ...

    async def of_account(self, account_id: UUID) -> Credentials | None: ...

    async def rehash(self, credentials: Credentials, password_hash: str) -> None:
        """Replace the hash unless it or the epoch has changed since it was read."""
        ...
