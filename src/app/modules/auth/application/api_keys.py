"""What the use cases of `auth` need of the world to deal in API keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PresentedApiKey:
    """What something that has the form of an API key says."""

    id: UUID
    secret_hash: bytes = field(repr=False)


@runtime_checkable
class ApiKeyTokens(Protocol):
    """Derives API keys from a secret outside the database, so that a key can be shown again to
    somebody whose answer was lost."""

    @property
    def current_kid(self) -> str: ...

    def mint(self, key_id: UUID, kid: str) -> str:
        """The same key for the same arguments, always. Raises `TokenInvalidError` for a kid whose
        secret is gone."""
        ...

    def parse(self, token: str) -> PresentedApiKey:
        """Raises `TokenInvalidError` for what has another form. Whether the secret is the right
        one only the stored hash can tell, also after the kid's secret is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApiKey:
    """What the use of an API key is decided on, read in one statement."""

    account_id: UUID
    secret_hash: bytes = field(repr=False)
    scopes: frozenset[str]
    expired: bool
    roles: frozenset[str]
    """The account's, as they are now."""
    active: bool
    """Whether the account is."""


@runtime_checkable
class ApiKeyStore(Protocol):
    """Stored API keys, as they are asked for at each use."""

    async def of(self, key_id: UUID) -> StoredApiKey | None: ...


@runtime_checkable
class ApiKeyUses(Protocol):
    """Remembers, off the request path, when keys were used last."""

    def note(self, key_id: UUID, at: datetime) -> None: ...
