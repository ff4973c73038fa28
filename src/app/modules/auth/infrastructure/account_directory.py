"""The account directory, read from the accounts themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from app.modules.auth.contracts.directory import AccountDirectory, AccountFacts
from app.shared.application.reader import Reader

_SQL = """
-- What other modules may know of these accounts.
select id as account_id, email, status
from auth.account
where id = any($1::uuid[])
"""


class SqlAccountDirectory(AccountDirectory):
    """One statement, whatever the number of accounts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def facts_of(self, account_ids: Collection[UUID]) -> Mapping[UUID, AccountFacts]:
        rows = await self._reader.rows(_SQL, list(account_ids)) if account_ids else []
        return {row["account_id"]: AccountFacts(**row) for row in rows}
