"""Forgets what is over: sessions and revocations that no answer depends on any more."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.shared.infrastructure.statements import Statements

KEPT_AFTER_ITS_END = timedelta(days=7)
"""How long a session that is over stays: its owner is told why it ended, and after a theft one
can see what happened. Afterwards its tokens are answered like those of any session that is
revoked, terminally as before, and where it was used from is forgotten."""

KEPT_LONGER = timedelta(days=1)
"""How long a revocation stays beyond the last moment of the tokens that it names: during a
rolling deployment another process may have given them a longer life than ours would."""

# By the key, because no index could say what is over: a refresh updates its row in place only as
# long as no index has the time of its idle end. What is over cannot come back to life.
_EXPIRE_SESSIONS = """
-- Delete what has long been over among the next $2 sessions after $1; the last one looked at.
with looked as materialized (
    select id from auth.session where id > $1 order by id limit $2
), expired as (
    delete from auth.session as s using looked
    where s.id = looked.id
      and least(s.revoked_at, s.idle_expires_at, s.absolute_expires_at)
          < clock_timestamp() - $3::interval
    returning s.id
)
select (select id from looked order by id desc limit 1) as last,
       (select count(*) from expired) as expired
"""

_FORGET_REVOCATIONS = """
-- Delete up to $2 of the oldest revocations from before $1 ago.
with old as (
    select id from auth.revocation where revoked_at < clock_timestamp() - $1::interval
    order by revoked_at limit $2
), forgotten as (
    delete from auth.revocation as r using old where r.id = old.id returning r.id
)
select count(*) from forgotten
"""


class Expiry:
    """The scheduled work of `auth`, in batches that are transactions of their own.

    A session of an older epoch than its account's is dead as well; nothing refreshes it, so it
    goes when its idle time is over.
    """

    def __init__(self, statements: Statements, *, remembered: timedelta, batch: int = 1000) -> None:
        self._statements = statements
        self._remembered = remembered
        self._batch = batch

    async def expire_sessions(self) -> int:
        """How many sessions were deleted."""
        total, after = 0, UUID(int=0)
        while True:
            walked = await self._statements.row(
                _EXPIRE_SESSIONS, after, self._batch, KEPT_AFTER_ITS_END
            )
            if walked is None or walked["last"] is None:
                return total
            total += walked["expired"]
            after = walked["last"]

    async def forget_revocations(self) -> int:
        """How many revocations were deleted."""
        total = 0
        while True:
            forgotten: int = await self._statements.value(
                _FORGET_REVOCATIONS, self._remembered + KEPT_LONGER, self._batch
            )
            total += forgotten
            if forgotten < self._batch:
                return total
