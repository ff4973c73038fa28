"""When a job runs next: arithmetic on its schedule, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from app.shared.application.schedule import BadScheduleError, Job

_FIELDS = 5


def following(job: Job, after: datetime) -> datetime:
    """The job's first time that is later than `after`.

    Raises `BadScheduleError` for an expression that cannot be read, or that names no day of the
    next fifty years.
    """
    if job.every is not None:
        return after + job.every
    if len(job.cron.split()) != _FIELDS:
        # The parser would take a sixth field for seconds, and before the others.
        raise BadScheduleError(f"job {job.name}: {job.cron!r} does not have five fields")
    try:
        # In UTC no time is skipped or comes twice: the parser's rules for that never apply.
        found = next(CronSim(job.cron, after.astimezone(UTC)), None)
    except CronSimError as error:
        raise BadScheduleError(f"job {job.name}: {job.cron!r}: {error}") from error
    if found is None:
        raise BadScheduleError(f"job {job.name}: {job.cron!r} names a time that never comes")
    return found
