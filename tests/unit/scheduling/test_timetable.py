"""When a job runs next: intervals, cron expressions, and those that are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.shared.application.schedule import BadScheduleError, Job
from app.shared.infrastructure.scheduling.timetable import following


async def nothing() -> None:
    """The work of these jobs is not the matter."""


def at_cron(expression: str) -> Job:
    return Job(name="lab.count", cron=expression, work=nothing)


def test_an_interval_counts_from_the_start_of_the_last_run() -> None:
    job = Job(name="lab.count", every=timedelta(minutes=90), work=nothing)

    assert following(job, datetime(2026, 12, 31, 23, 0, 1, tzinfo=UTC)) == datetime(
        2027, 1, 1, 0, 30, 1, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("15 3 * * *", "2026-11-20T03:14:59.999999", "2026-11-20T03:15:00"),
        ("15 3 * * *", "2026-11-20T03:15:00", "2026-11-21T03:15:00"),
        ("15 3 * * *", "2026-11-20T03:15:00.000001", "2026-11-21T03:15:00"),
        ("0 0 1 * *", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("0 0 31 * *", "2026-08-31T00:00:00", "2026-10-31T00:00:00"),
        ("0 0 L * *", "2027-02-01T00:00:00", "2027-02-28T00:00:00"),
        ("0 0 29 2 *", "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 29 2 *", "2096-02-29T00:00:00", "2104-02-29T00:00:00"),
        ("*/20 * * * *", "2026-11-20T13:41:00", "2026-11-20T14:00:00"),
        ("0 6 * * MON", "2026-11-20T00:00:00", "2026-11-23T06:00:00"),
        ("0 6 * * 7", "2026-11-20T00:00:00", "2026-11-22T06:00:00"),
    ],
)
def test_a_cron_expression_gives_the_first_later_time_in_utc(
    expression: str, after: str, expected: str
) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    found = following(at_cron(expression), moment)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


def test_a_moment_of_another_zone_is_read_in_utc() -> None:
    noon_in_tokyo = datetime(2026, 11, 20, 12, tzinfo=timezone(timedelta(hours=9)))

    assert following(at_cron("15 3 * * *"), noon_in_tokyo) == datetime(
        2026, 11, 20, 3, 15, tzinfo=UTC
    )


def test_two_restricted_kinds_of_day_are_an_or_unless_one_begins_with_a_star() -> None:
    friday = datetime(2026, 11, 20, tzinfo=UTC)

    either = following(at_cron("0 0 13 * MON"), friday)
    both = following(at_cron("0 0 */13 * MON"), friday)

    assert either == datetime(2026, 11, 23, tzinfo=UTC)
    assert both == datetime(2026, 12, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("61 * * * *", "Bad minute"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 * * 1-9", "Bad day-of-week"),
        ("*/0 * * * *", "Bad minute"),
        ("0 15 3 * * *", "five fields"),
        ("@daily", "five fields"),
        ("15 3 * *", "five fields"),
        (" ", "five fields"),
        ("0 0 */20 2 1#5", "never comes"),
    ],
)
def test_an_expression_that_cannot_be_meant_is_refused_by_its_job(
    expression: str, reason: str
) -> None:
    with pytest.raises(BadScheduleError, match=f"job lab.count: .*{reason}"):
        following(at_cron(expression), datetime(2026, 11, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"every": timedelta(hours=1), "cron": "0 * * * *"},
        {"every": timedelta(0)},
        {"every": timedelta(hours=-1)},
        {"cron": "0 * * * *", "timeout": timedelta(0)},
    ],
    ids=["neither", "both", "no interval", "backwards", "no time"],
)
def test_a_job_without_one_sensible_schedule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadScheduleError, match=r"job lab\.count: "):
        Job(name="lab.count", work=nothing, **wrong)
