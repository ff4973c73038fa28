"""Who calls: a fact of the kernel, so that every module can ask without knowing `auth`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller."""

    account_id: UUID
    session_id: UUID | None = None
    """None for an API key."""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    """What an API key is limited to; None for a session, which may all that its roles may."""
    fresh: bool = False
    """Whether the database was asked, for this request, if the caller still may."""


@runtime_checkable
class Authenticator(Protocol):
    """Turns a bearer token (RFC 6750) into the caller behind it."""

    async def authenticate(self, token: str, *, fresh: bool = False) -> Principal:
        """Raises `UnauthenticatedError`, or `UnavailableError` when it cannot be decided now.

        `fresh` asks the database, whatever this process remembers.
        """
        ...
