"""List one's own living sessions."""

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
class ListMySessions:
    caller: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    id: UUID
    label: str | None
    user_agent: str | None
    ip: str | None
    """Where it was opened from."""
    created_at: datetime
    last_used_at: datetime
    """The hour of the last refresh."""
    expires_at: datetime
    """By then, unless it is refreshed before; to the hour as well."""
    current: bool
    """Whether it is the one that asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList:
    items: list[SessionView]


# When exactly a session was refreshed, and how often, would help a thief to time the next refresh.
_SQL = """
-- The living sessions of the account $1, the one used last first; $2 is the one that asks.
select s.id, s.label, s.user_agent, s.ip, s.created_at,
    date_trunc('hour', s.rotated_at, 'UTC') as last_used_at,
    least(
        date_trunc('hour', s.idle_expires_at, 'UTC') + interval '1 hour', s.absolute_expires_at
    ) as expires_at,
    s.id is not distinct from $2 as current
from auth.session as s
join auth.account as a on a.id = s.account_id and a.auth_epoch = s.epoch
where s.account_id = $1
  and s.revoked_at is null
  and least(s.idle_expires_at, s.absolute_expires_at) > clock_timestamp()
order by date_trunc('hour', s.rotated_at, 'UTC') desc, s.id desc
"""


@handler
class ListMySessionsHandler:
    access: ClassVar[Access] = accounts()

    reader: Reader

    async def __call__(self, query: ListMySessions) -> SessionList:
        rows = await self.reader.rows(_SQL, query.caller.account_id, query.caller.session_id)
        return SessionList(items=[SessionView(**row) for row in rows])
