"""The clock that follows the database's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.shared.infrastructure import database_clock as module
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.statements import AsyncpgReader


async def test_it_shows_the_time_that_the_database_showed(reader: AsyncpgReader) -> None:
    clock = DatabaseClock()
    before = await reader.value("select clock_timestamp()")

    clock.follow(before)

    shown = clock.now()
    after = await reader.value("select clock_timestamp()")
    assert before <= shown <= after + timedelta(milliseconds=100)
    assert shown.utcoffset() == timedelta(0)


def test_it_goes_on_by_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    elapsed = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: elapsed[0])
    clock = DatabaseClock()
    clock.follow(datetime(2030, 1, 1, tzinfo=UTC))

    elapsed[0] += 90

    assert clock.now() == datetime(2030, 1, 1, 0, 1, 30, tzinfo=UTC)


def test_before_the_first_look_it_shows_this_machines_time() -> None:
    assert abs(DatabaseClock().now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_it_follows_backwards_too() -> None:
    clock = DatabaseClock()

    clock.follow(datetime(2020, 1, 1, tzinfo=UTC))

    assert clock.now().year == 2020
