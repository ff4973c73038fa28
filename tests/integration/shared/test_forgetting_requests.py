"""Remembered requests are forgotten a day later, and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.shared.infrastructure.idempotency.forgetting import forget_requests
from app.shared.infrastructure.statements import Statements

PUT = """
insert into http.idempotency_key (key, fingerprint, answer, created_at)
select decode(lpad(to_hex(n), 64, '0'), 'hex'), 'f', '{}', clock_timestamp() - $3::interval
from generate_series($1::int, $2::int) as n
"""
DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("age", "left"), [(DAY, 0), (DAY - timedelta(minutes=1), 1), (timedelta(0), 1)]
)
async def test_a_request_is_known_for_24_hours(
    statements: Statements, age: timedelta, left: int
) -> None:
    await statements.rows(PUT, 1, 1, age)

    assert await forget_requests(statements) == 1 - left

    assert await statements.value("select count(*) from http.idempotency_key") == left


async def test_forgetting_goes_on_in_batches_until_nothing_old_is_left(
    statements: Statements,
) -> None:
    await statements.rows(PUT, 1, 25, DAY)
    await statements.rows(PUT, 26, 28, timedelta(hours=1))

    assert await forget_requests(statements, batch=10) == 25

    assert await statements.value("select count(*) from http.idempotency_key") == 3


async def test_a_key_is_a_hash(statements: Statements) -> None:
    with pytest.raises(Exception, match="key_is_a_hash"):
        await statements.rows(
            "insert into http.idempotency_key (key, fingerprint, answer) values ('k', 'f', '{}')"
        )
