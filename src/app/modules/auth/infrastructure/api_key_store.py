"""Stored API keys: read at each use in one statement, their last use written in batches."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.modules.auth.application.api_keys import ApiKeyStore, ApiKeyUses, StoredApiKey
from app.shared.application.reader import Reader
from app.shared.infrastructure.statements import Statements

_READ = """
-- The key and its account, both as they are now.
select k.account_id, k.secret_hash, k.scopes, a.roles, a.status = 'active' as active,
       coalesce(k.expires_at <= clock_timestamp(), false) as expired
from auth.api_key as k
join auth.account as a on a.id = k.account_id
where k.id = $1
"""

# A row that somebody else holds is skipped: it is being deleted, or another process writes its
# last use, so nobody ever waits for this.
_STORE = """
-- The last uses of keys, each at most once a minute.
with used as (
    select k.id, u.at
    from unnest($1::uuid[], $2::timestamptz[]) as u(id, at)
    join auth.api_key as k on k.id = u.id
    where k.last_used_at is null or k.last_used_at <= u.at - interval '1 minute'
    for no key update of k skip locked
)
update auth.api_key as k set last_used_at = used.at from used where k.id = used.id
"""


class AsyncpgApiKeyStore(ApiKeyStore):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, key_id: UUID) -> StoredApiKey | None:
        row = await self._reader.row(_READ, key_id)
        if row is None:
            return None
        return StoredApiKey(
            account_id=row["account_id"],
            secret_hash=row["secret_hash"],
            scopes=frozenset(row["scopes"]),
            expired=row["expired"],
            roles=frozenset(row["roles"]),
            active=row["active"],
        )


class ApiKeyUseBuffer(ApiKeyUses):
    """Uses of one key are one note, and a periodic task stores all notes in one statement."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._unstored: dict[UUID, datetime] = {}

    def note(self, key_id: UUID, at: datetime) -> None:
        self._unstored[key_id] = at

    async def flush(self) -> None:
        """Kept for the next time when the database is out of reach."""
        batch = dict(self._unstored)
        if not batch:
            return
        await self._statements.rows(_STORE, list(batch), list(batch.values()))
        for key_id, at in batch.items():
            if self._unstored.get(key_id) == at:
                del self._unstored[key_id]
