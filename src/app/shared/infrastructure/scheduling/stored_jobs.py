"""What the database remembers of each job: when it is due, and how its last run went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.shared.application.reader import Row
from app.shared.application.schedule import Job
from app.shared.infrastructure.scheduling.single_flight import LOCKS
from app.shared.infrastructure.scheduling.timetable import following
from app.shared.infrastructure.statements import Statements

AGAIN_AFTER = 60.0
"""Seconds after its start at which a run that was never finished is due again. Not at once: a job
that kills its process would take every process with it."""

NOW = "SELECT clock_timestamp()"

REGISTER = """
-- Make known the jobs of this code. One whose schedule was changed gets its new time.
INSERT INTO schedule.job AS known (name, schedule, next_due_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
ON CONFLICT (name) DO UPDATE SET schedule = excluded.schedule, next_due_at = excluded.next_due_at
WHERE known.schedule <> excluded.schedule
"""

WAITS = """
-- In how many seconds these jobs are due, the one that has waited longest first.
SELECT name, extract(epoch FROM next_due_at - clock_timestamp())::float8 AS wait
FROM schedule.job WHERE name = ANY($1) ORDER BY next_due_at, name
"""

BEGIN = """
-- Begin a run, if it is still due or wanted at once.
UPDATE schedule.job
SET last_started_at = clock_timestamp(), last_finished_at = NULL, last_outcome = 'running',
    last_result = NULL, last_error = NULL,
    next_due_at = clock_timestamp() + $3::float8 * interval '1 second'
WHERE name = $1 AND ($2 OR next_due_at <= clock_timestamp())
RETURNING last_started_at
"""

END = """
-- Note how the run ended, unless another one has begun since.
UPDATE schedule.job
SET last_finished_at = clock_timestamp(), last_outcome = $3, last_result = $4, last_error = $5,
    next_due_at = $6
WHERE name = $1 AND last_started_at = $2
"""

LIST = """
-- Every job that there ever was; one runs if its lock is held at this moment.
SELECT job.*, extract(epoch FROM last_finished_at - last_started_at)::float8 AS seconds, EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
        AND classid = $1::int::oid AND objid = hashtext(name)::oid AND granted
) AS running
FROM schedule.job ORDER BY name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run ended."""

    outcome: str
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job as an operator sees it."""

    name: str
    schedule: str
    outcome: str | None
    """Of the last run; `interrupted` is one whose process is gone."""
    started_at: datetime | None
    seconds: float | None
    result: str | None
    error: str | None
    next_due_at: datetime | None
    known: bool
    """Whether this code has it; what it does not have never runs."""


class StoredJobs:
    """The rows of `schedule.job`. Every method raises `DatabaseUnavailableError`."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def register(self, jobs: Iterable[Job]) -> None:
        """New ones are due at their next time; the others keep theirs."""
        now: datetime = await self._statements.value(NOW)
        # One order for all processes: two that start together cannot deadlock.
        ordered = sorted(jobs, key=lambda job: job.name)
        await self._statements.rows(
            REGISTER,
            [job.name for job in ordered],
            [job.schedule for job in ordered],
            [following(job, now) for job in ordered],
        )

    async def waits(self, names: Iterable[str]) -> Sequence[tuple[str, float]]:
        """In how many seconds each is due; the one that has waited longest comes first."""
        rows = await self._statements.rows(WAITS, list(names))
        return [(row["name"], row["wait"]) for row in rows]

    async def begin(self, name: str, *, at_once: bool) -> datetime | None:
        """When the run started; None when it is not due any more. Whoever calls has the lock."""
        started: datetime | None = await self._statements.value(BEGIN, name, at_once, AGAIN_AFTER)
        return started

    async def end(self, name: str, started: datetime, run: Run, next_due_at: datetime) -> None:
        await self._statements.rows(
            END, name, started, run.outcome, run.result, run.error, next_due_at
        )

    async def states(self, jobs: Mapping[str, Job]) -> Sequence[JobState]:
        """Of all that are stored, and of those here that no process has registered yet."""
        rows = await self._statements.rows(LIST, LOCKS)
        stored = {row["name"]: _state(row, known=row["name"] in jobs) for row in rows}
        new = {name: _unregistered(job) for name, job in jobs.items() if name not in stored}
        return [state for _, state in sorted((stored | new).items())]


def _state(row: Row, *, known: bool) -> JobState:
    outcome = "interrupted" if row["last_outcome"] == "running" else row["last_outcome"]
    return JobState(
        name=row["name"],
        schedule=row["schedule"],
        outcome="running" if row["running"] else outcome,
        started_at=row["last_started_at"],
        seconds=row["seconds"],
        result=row["last_result"],
        error=row["last_error"],
        next_due_at=row["next_due_at"] if known else None,
        known=known,
    )


def _unregistered(job: Job) -> JobState:
    return JobState(
        name=job.name,
        schedule=job.schedule,
        outcome=None,
        started_at=None,
        seconds=None,
        result=None,
        error=None,
        next_due_at=None,
        known=True,
    )
