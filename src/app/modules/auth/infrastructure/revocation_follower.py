"""Keeps a process's memory of revocations true: by looking often, and at once when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

import structlog

from app.modules.auth.domain.ports import Revocation
from app.modules.auth.infrastructure.revocation_memory import RevocationMemory
from app.shared.application.reader import Reader, Row

POLL_SECONDS = 2.0
_OVERLAP = timedelta(seconds=60)
"""How far back beyond the last one each look goes: commits become visible out of order, but not
by a minute."""
_TRUSTED_SECONDS = 10.0
"""How old the last complete look may be before the database is asked at every request."""
_RESTS = 10
"""Between two looks it rests for so many times as long as the last one took, however often it is
told to look."""
_AT_ONCE = 1_000
"""Rows that are noted before others have their turn."""

_RECENT = """
-- The database's time and what was revoked since $1 less $2, or lately, when $1 is unknown;
-- nothing of it when that is more than $3.
with since as (
    select least($1::timestamptz, clock_timestamp()) - $2::interval as moment
), recent as materialized (
    select account_id, session_id, epoch, revoked_at from auth.revocation
    -- By a subquery: an index is of no use to a function that could change from row to row.
    where revoked_at > (select moment from since) limit $3 + 1
), bounds as (
    select count(*) > $3 as exceeded from recent
)
select clock_timestamp() as now, b.exceeded, r.*
from bounds as b left join recent as r on not b.exceeded
"""

_log = structlog.get_logger("app.auth")


class RevocationFollower:
    """Reads `auth.revocation` into the memory, from the process's start on.

    The looks are the truth. That somebody says that there is something to see makes the next one
    come at once, and if nobody says so it comes all the same. Time is the database's, so that
    neither a machine's clock nor its sleep makes a look begin too late.
    """

    def __init__(
        self,
        reader: Reader,
        memory: RevocationMemory,
        *,
        keep: timedelta,
        follow: Callable[[datetime], None],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._reader = reader
        self._memory = memory
        self._keep = keep
        self._follow = follow
        self._now = now
        self._told = asyncio.Event()
        self._took = 0.0
        self._looked_at: float | None = None
        """When the last complete look began."""
        self._read_to: datetime | None = None
        """The database's time at the last complete look; None makes the next one read all."""
        self._complete_since = -1
        """The overflows of the memory before all was read into it."""
        self._is_over = False

    @property
    def is_current(self) -> bool:
        """Whether the memory has everything that was revoked, but for what is just happening."""
        return (
            self._looked_at is not None
            and self._now() - self._looked_at < _TRUSTED_SECONDS
            and self._complete_since == self._memory.overflows
        )

    def learn(self, revocation: Revocation) -> None:
        """Know at once of what this process revoked itself."""
        self._memory.note(revocation, self._keep)

    def hear(self) -> None:
        """There may be something to see."""
        self._told.set()

    def doubt(self) -> None:
        """Something may have been missed: read everything anew, at once."""
        self._read_to = None
        self._told.set()

    async def pause(self, seconds: float) -> None:
        """Until there may be something to see, and `seconds` at the most."""
        rest = min(_RESTS * self._took, seconds)
        await asyncio.sleep(rest)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds - rest):
                await self._told.wait()
        self._told.clear()

    async def look(self) -> None:
        """Read what was revoked lately; the first time, all that is still of consequence.

        Raises `DatabaseUnavailableError`.
        """
        begun_at, overflows, read_to = self._now(), self._memory.overflows, self._read_to
        is_whole = read_to is None or self._complete_since != overflows
        rows = await self._reader.rows(
            _RECENT,
            None if is_whole else read_to,
            self._keep if is_whole else _OVERLAP,
            self._memory.room,
        )
        database_time = rows[0]["now"]
        self._follow(database_time)
        self._memory.tidy()
        if rows[0]["exceeded"]:
            self._memory.overflow()
        for number, row in enumerate(rows, start=1):
            if row["account_id"] is not None:
                left = self._keep - (database_time - row["revoked_at"])
                self._memory.note(_revocation(row), left)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # requests go on meanwhile
        self._took = self._now() - begun_at
        if self._tell_overflow(self._memory.overflows != overflows):
            return
        self._looked_at, self._complete_since = begun_at, overflows
        if self._read_to is read_to:
            self._read_to = database_time

    def _tell_overflow(self, is_over: bool) -> bool:
        """Logged once, and so is its end."""
        if is_over and not self._is_over:
            _log.warning("more revocations than room", room=self._memory.room)
        elif self._is_over and not is_over:
            _log.info("room for all revocations again")
        self._is_over = is_over
        return is_over


def _revocation(row: Row) -> Revocation:
    return Revocation(
        account_id=row["account_id"], session_id=row["session_id"], epoch=row["epoch"]
    )
