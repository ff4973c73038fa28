"""List users, page by page, for administrators."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from app.modules.auth.contracts.directory import AccountDirectory, AccountFacts
from app.shared.application.authorization import Access, admins
from app.shared.application.handler import handler
from app.shared.application.paging import Cursors, Page
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader, Row


class UserOrder(StrEnum):
    """By which member, ascending or, after a minus, descending."""

    NEWEST_FIRST = "-created_at"
    OLDEST_FIRST = "created_at"
    BY_NAME = "display_name"
    BY_NAME_BACKWARDS = "-display_name"
    BY_HANDLE = "handle"
    BY_HANDLE_BACKWARDS = "-handle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers:
    caller: Principal
    q: str = field(default="", repr=False)
    """A part of the name or of the handle, in any case."""
    sort: UserOrder = UserOrder.NEWEST_FIRST
    limit: int = 50
    cursor: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    account_id: UUID
    display_name: str
    handle: str | None
    created_at: datetime
    email: str | None
    """Null, as the status, when the account was deleted a moment ago."""
    status: Literal["active", "disabled"] | None


_KEYS = {
    "created_at": ("created_at", "timestamptz"),
    "display_name": ("lower(display_name)", "text"),
    "handle": ("lower(coalesce(handle, ''))", "text"),
}
"""What is compared, each an index of the table, and its type."""

_PAGE = """
-- One page of the users. Everything contains the empty search.
select account_id, display_name, handle, created_at, {key} as place
from users.profile
where erased_at is null
  and (strpos(lower(display_name), lower($2)) > 0 or strpos(lower(handle), lower($2)) > 0)
  {beyond}
order by {key} {direction}, account_id {direction}
limit $1
"""
_BEYOND = "and ({key}, account_id) {after} ($3::text::{type}, $4::text::uuid)"


def page_statement(order: UserOrder, *, beyond: bool) -> str:
    """$1 is the limit, $2 the search; beyond a place, $3 and $4 are the place."""
    key, kind = _KEYS[order.removeprefix("-")]
    after, direction = ("<", "desc") if order.startswith("-") else (">", "asc")
    condition = _BEYOND.format(key=key, after=after, type=kind) if beyond else ""
    return _PAGE.format(key=key, beyond=condition, direction=direction)


@handler
class ListUsersHandler:
    """Searches and sorts what `users` has, and asks `auth` for the rest of what is shown."""

    access: ClassVar[Access] = admins(scope="users:read")

    reader: Reader
    accounts: AccountDirectory
    cursors: Cursors

    async def __call__(self, query: ListUsers) -> Page[UserView]:
        """Raises `CursorInvalidError`."""
        asked = ("users", query.q, query.sort)
        place = self.cursors.open(query.cursor, of=asked) if query.cursor is not None else []
        rows = await self.reader.rows(
            page_statement(query.sort, beyond=bool(place)), query.limit + 1, query.q, *place
        )
        shown, more = rows[: query.limit], rows[query.limit :]
        facts = await self.accounts.facts_of([row["account_id"] for row in shown])
        return Page(
            items=[_view(row, facts.get(row["account_id"])) for row in shown],
            next_cursor=self.cursors.seal(_place(shown[-1]), of=asked) if more else None,
        )


def _place(row: Row) -> list[str]:
    return [str(row["place"]), str(row["account_id"])]


def _view(row: Row, account: AccountFacts | None) -> UserView:
    return UserView(
        account_id=row["account_id"],
        display_name=row["display_name"],
        handle=row["handle"],
        created_at=row["created_at"],
        email=account.email if account else None,
        status=account.status if account else None,
    )
