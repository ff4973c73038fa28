"""List what happened to one's own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.paging import Cursors, Page
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMyActivity:
    caller: Principal
    limit: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityView:
    what: str
    """`login`, `logout`, `password_changed`, `session_revoked` …; later versions may add others."""
    at: datetime
    """Where it was noticed by a refresh, the hour alone."""
    session_id: UUID | None
    ip: str | None
    user_agent: str | None


# Reuse is noticed by a refresh, and the times of refreshes are nobody's to know exactly.
_SQL = """
-- Up to $3 of what happened to the account $1 before the row $2, the latest first.
select id, what, session_id, ip, user_agent,
    case what when 'session_compromised' then date_trunc('hour', at, 'UTC') else at end as at
from auth.activity
where account_id = $1 and ($2::bigint is null or id < $2)
order by id desc
limit $3
"""


@handler
class ListMyActivityHandler:
    access: ClassVar[Access] = accounts()

    reader: Reader
    cursors: Cursors

    async def __call__(self, query: ListMyActivity) -> Page[ActivityView]:
        """The latest first. Raises `CursorInvalidError`."""
        question = ("activity", str(query.caller.account_id))
        before = None
        if query.cursor is not None:
            (place,) = self.cursors.open(query.cursor, of=question)
            before = int(place)
        rows = await self.reader.rows(_SQL, query.caller.account_id, before, query.limit + 1)
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        return Page(
            items=[
                ActivityView(
                    what=row["what"],
                    at=row["at"],
                    session_id=row["session_id"],
                    ip=row["ip"],
                    user_agent=row["user_agent"],
                )
                for row in shown
            ],
            next_cursor=self.cursors.seal([str(shown[-1]["id"])], of=question) if more else None,
        )
