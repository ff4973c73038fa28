"""An API key: a credential for programs, which may some of what its account may."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.modules.auth.domain.account import Account
from app.modules.auth.domain.api_key_errors import ApiKeyExpiryPastError, TooManyApiKeysError
from app.shared.domain.aggregate import Aggregate

MAX_API_KEYS = 50
"""Of one account, expired ones included."""


@dataclass(eq=False, kw_only=True)
class ApiKey(Aggregate):
    """The secret is derived from `id` and `kid` when it is shown; the row can only recognise it."""

    id: UUID
    account_id: UUID
    name: str
    """What its owner calls it."""
    kid: str
    """Names the secret that the key's own is derived from."""
    secret_hash: bytes = field(repr=False)
    scopes: tuple[str, ...]
    """What it is good for, as far as the account's roles allow it; in order, each once."""
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    @classmethod
    def create(
        cls,
        *,
        key_id: UUID,
        account: Account,
        existing: int,
        name: str,
        kid: str,
        secret_hash: bytes,
        scopes: frozenset[str],
        expires_at: datetime | None,
        now: datetime,
    ) -> ApiKey:
        """The id is there first: the secret is derived from it.

        Raises `TooManyApiKeysError` and `ApiKeyExpiryPastError`.
        """
        if existing >= MAX_API_KEYS:
            raise TooManyApiKeysError
        if expires_at is not None and expires_at <= now:
            raise ApiKeyExpiryPastError
        return cls(
            id=key_id,
            account_id=account.id,
            name=name,
            kid=kid,
            secret_hash=secret_hash,
            scopes=tuple(sorted(scopes)),
            created_at=now,
            expires_at=expires_at,
        )
