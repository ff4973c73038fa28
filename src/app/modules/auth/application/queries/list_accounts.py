"""List all accounts, for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from app.modules.auth.domain.account import AccountStatus
from app.shared.application.authorization import Access, admins
from app.shared.application.handler import handler
from app.shared.application.paging import Cursors, Page
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccounts:
    caller: Principal
    limit: int
    cursor: str | None = None
    q: str = ""
    """Part of the address; all accounts when empty."""
    status: AccountStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccountView:
    id: UUID
    email: str
    email_verified: bool
    roles: list[str]
    status: Literal["active", "disabled"]
    created_at: datetime


# An id tells when it was made, so the order of ids is that of registration.
_SQL = """
-- Up to $4 accounts from before $1 whose address has $2 in it and whose status is $3.
select id, email, email_verified_at is not null as email_verified, roles, status, created_at
from auth.account
where ($1::uuid is null or id < $1)
  and strpos(lower(email), lower($2)) > 0
  and ($3::text is null or status = $3)
order by id desc
limit $4
"""


@handler
class ListAccountsHandler:
    access: ClassVar[Access] = admins()

    reader: Reader
    cursors: Cursors

    async def __call__(self, query: ListAccounts) -> Page[ListedAccountView]:
        """The newest first. Raises `CursorInvalidError`."""
        question = ("accounts", query.q, query.status or "")
        before = None
        if query.cursor is not None:
            (place,) = self.cursors.open(query.cursor, of=question)
            before = UUID(place)
        rows = await self.reader.rows(_SQL, before, query.q, query.status, query.limit + 1)
        items = [ListedAccountView(**row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        return Page(
            items=items,
            next_cursor=self.cursors.seal([str(items[-1].id)], of=question) if more else None,
        )
