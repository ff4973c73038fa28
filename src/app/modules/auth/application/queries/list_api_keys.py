"""List one's own API keys, without their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader


@dataclass(frozen=True, slots=True)
class ListApiKeys:
    caller: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyView:
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To the minute."""


@dataclass(frozen=True, slots=True)
class ApiKeyList:
    items: list[ApiKeyView]


_SQL = """
select id, name, scopes, created_at, expires_at, last_used_at
from auth.api_key
where account_id = $1
order by created_at desc, id desc
"""


@handler
class ListApiKeysHandler:
    """All of them, the newest first: an account has few."""

    access: ClassVar[Access] = accounts(fresh=True)

    reader: Reader

    async def __call__(self, query: ListApiKeys) -> ApiKeyList:
        rows = await self.reader.rows(_SQL, query.caller.account_id)
        return ApiKeyList([ApiKeyView(**row) for row in rows])
