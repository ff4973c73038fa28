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

FAILURE_REMEMBERED = timedelta(hours=8)
"""How long each failure in a row is remembered once the attempts themselves are forgiven: a
hundred of them for a month, so that stopping in time brings three guesses a day."""

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

# As with sessions, no index could say what is forgiven. What is in use at this moment is left to
# the next time, and nobody waits for anybody.
_FORGET_ATTEMPTS = """
-- Delete what nothing is held against any more among the next $2 keys after $1; the last of them.
with looked as materialized (
    select key from auth.throttle where key > $1 order by key limit $2
), forgiven as materialized (
    select t.key from auth.throttle as t join looked using (key)
    where t.forgiven_at + t.failures * $3::interval < clock_timestamp()
    for update of t skip locked
), forgotten as (
    delete from auth.throttle as t using forgiven where t.key = forgiven.key returning t.key
)
select (select key from looked order by key desc limit 1) as last,
       (select count(*) from forgotten) as forgotten
"""

# Ids and times grow together, up to the order of commits: what is old is at the beginning, and a
# batch that is not all old is the last.
_FORGET_ACTIVITY = """
-- Delete what is older than $1 among the first $2 rows.
with first as materialized (
    select id from auth.activity order by id limit $2
), forgotten as (
    delete from auth.activity as a using first
    where a.id = first.id and a.at < clock_timestamp() - $1::interval
    returning a.id
)
select count(*) from forgotten
"""


class Expiry:
    """The scheduled work of `auth`, in batches that are transactions of their own.

    A session of an older epoch than its account's is dead as well; nothing refreshes it, so it
    goes when its idle time is over.
    """

    def __init__(
        self,
        statements: Statements,
        *,
        remembered: timedelta,
        activity_kept: timedelta = timedelta(days=90),
        batch: int = 1000,
    ) -> None:
        self._statements = statements
        self._remembered = remembered
        self._activity_kept = activity_kept
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
        return await self._forget(_FORGET_REVOCATIONS, self._remembered + KEPT_LONGER)

    async def forget_activity(self) -> int:
        """How many rows were deleted."""
        return await self._forget(_FORGET_ACTIVITY, self._activity_kept)

    async def forget_attempts(self) -> int:
        """How many keys of the throttle were deleted."""
        total, after = 0, b""
        while True:
            walked = await self._statements.row(
                _FORGET_ATTEMPTS, after, self._batch, FAILURE_REMEMBERED
            )
            if walked is None or walked["last"] is None:
                return total
            total += walked["forgotten"]
            after = walked["last"]

    async def _forget(self, sql: str, older_than: timedelta) -> int:
        total = 0
        while True:
            forgotten: int = await self._statements.value(sql, older_than, self._batch)
            total += forgotten
            if forgotten < self._batch:
                return total
