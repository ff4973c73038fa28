"""API keys in memory."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from app.modules.auth.application.api_keys import (
    ApiKeyStore,
    ApiKeyTokens,
    ApiKeyUses,
    PresentedApiKey,
    StoredApiKey,
)
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.domain.ports import ApiKeys
from app.shared.application.clock import Clock
from app.shared.testing.unit_of_work import InMemoryRepository, InMemoryTable

_TOKEN = re.compile(r"ak1\.([0-9a-f-]{36})\.(.+)")


class InMemoryApiKeys(InMemoryRepository[ApiKey], ApiKeys):
    async def count(self, account_id: UUID) -> int:
        return len(self.find_all(lambda key: key.account_id == account_id))

    async def locked(self, key_id: UUID, *, of: UUID) -> ApiKey | None:
        key = await self.find_locked(key_id)
        return key if key and key.account_id == of else None

    async def remove(self, key: ApiKey) -> None:
        self.delete(key.id)

    async def void(self, account_id: UUID) -> None:
        for key in self.find_all(lambda key: key.account_id == account_id):
            self.delete(key.id)


class FakeApiKeyTokens(ApiKeyTokens):
    """`ak1.<id>.<kid>`."""

    current_kid = "kid1"

    def __init__(self) -> None:
        self.forgotten: set[str] = set()

    def mint(self, key_id: UUID, kid: str) -> str:
        if kid in self.forgotten:
            raise TokenInvalidError
        return f"ak1.{key_id}.{kid}"

    def parse(self, token: str) -> PresentedApiKey:
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise TokenInvalidError
        return PresentedApiKey(UUID(found[1]), sha256(found[2].encode()).digest())


class InMemoryApiKeyStore(ApiKeyStore):
    def __init__(
        self, accounts: InMemoryTable[Account], keys: InMemoryTable[ApiKey], clock: Clock
    ) -> None:
        self._accounts = accounts
        self._keys = keys
        self._clock = clock

    async def of(self, key_id: UUID) -> StoredApiKey | None:
        key = self._keys.rows.get(key_id)
        account = self._accounts.rows.get(key.account_id) if key else None
        if key is None or account is None:
            return None
        return StoredApiKey(
            account_id=account.id,
            secret_hash=key.secret_hash,
            scopes=frozenset(key.scopes),
            expired=key.expires_at is not None and key.expires_at <= self._clock.now(),
            roles=frozenset(account.roles),
            active=account.is_active,
        )


class InMemoryApiKeyUses(ApiKeyUses):
    def __init__(self) -> None:
        self.last: dict[UUID, datetime] = {}

    def note(self, key_id: UUID, at: datetime) -> None:
        self.last[key_id] = at
