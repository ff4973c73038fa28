"""Get one's own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.modules.auth.domain.errors import AccountDisabledError
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader


@dataclass(frozen=True, slots=True)
class GetAccount:
    caller: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    id: UUID
    email: str
    """As it was typed at registration."""
    email_verified: bool
    roles: list[str]
    locale: str
    created_at: datetime


_SQL = """
select id, email, email_verified_at is not null as email_verified, roles, locale, created_at
from auth.account
where id = $1
"""


@handler
class GetAccountHandler:
    access: ClassVar[Access] = accounts()

    reader: Reader

    async def __call__(self, query: GetAccount) -> AccountView:
        """Raises `AccountDisabledError` when the account is gone."""
        row = await self.reader.row(_SQL, query.caller.account_id)
        if row is None:
            raise AccountDisabledError
        return AccountView(**row)
