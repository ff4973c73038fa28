"""The ledger: what becomes of the rows of claimed deliveries, each statement fenced by attempt.

A process that lost its claim, because it was slow or seemed dead, finds no row and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.shared.infrastructure.messaging.claiming import Delivery

LOCK = """
-- Hold the deliveries while they run, those whose claimed attempt is still the present one. A lock
-- on one of those is waited for: another claim, which met it when it was due and has it no longer,
-- keeps that until it commits.
SELECT position FROM messaging.delivery
WHERE subscriber = $1 AND position = ANY ($2::bigint[]) AND dead_at IS NULL
    AND attempts = ($3::int[])[array_position($2::bigint[], position)]
FOR UPDATE
"""

PAY = """
-- The debts are paid: forget them, and make the next delivery of each key due. That row is written
-- even if it seems due: a claim that just meets it blocked must come before this, or after.
-- One that has begun, beside a revived dead letter, is neither waited for nor robbed of its lease.
WITH paid AS (
    DELETE FROM messaging.delivery
    WHERE subscriber = $1 AND position = ANY ($2::bigint[]) AND dead_at IS NULL
        AND attempts = ($3::int[])[array_position($2::bigint[], position)]
    RETURNING position, key
), woken AS (
    UPDATE messaging.delivery SET available_at = clock_timestamp()
    WHERE subscriber = $1 AND dead_at IS NULL AND attempts = 0 AND position = ANY (ARRAY(
        SELECT (
            SELECT line.position FROM messaging.delivery AS line
            WHERE line.subscriber = $1 AND line.key = paid.key AND line.position > paid.position
                AND (line.dead_at IS NULL OR line.strict)
            ORDER BY line.key, line.position LIMIT 1
        ) FROM paid
    ))
    RETURNING position
)
SELECT (SELECT count(*) FROM paid) AS paid, (SELECT count(*) FROM woken) AS woken
"""

FAIL = """
-- Note the error of this attempt; the last one makes the delivery a dead letter, and the next of
-- its key due, which may have been moved far out of the way. A strict one still holds it back.
WITH failed AS (
    UPDATE messaging.delivery
    SET available_at = clock_timestamp() + $4::float8 * interval '1 second', last_error = $5,
        dead_at = CASE WHEN attempts >= $6::int THEN clock_timestamp() END
    WHERE position = $1 AND subscriber = $2 AND attempts = $3 AND dead_at IS NULL
    RETURNING key, dead_at IS NOT NULL AS dead
), woken AS (
    UPDATE messaging.delivery SET available_at = clock_timestamp()
    WHERE subscriber = $2 AND dead_at IS NULL AND attempts = 0 AND position = (
        SELECT (
            SELECT line.position FROM messaging.delivery AS line
            WHERE line.subscriber = $2 AND line.key = failed.key AND line.position > $1
                AND (line.dead_at IS NULL OR line.strict)
            ORDER BY line.key, line.position LIMIT 1
        ) FROM failed WHERE dead
    )
)
SELECT dead FROM failed
"""

RELEASE = """
-- Nothing was tried: give the attempts back.
UPDATE messaging.delivery
SET attempts = attempts - 1, available_at = clock_timestamp() + $4::float8 * interval '1 second'
WHERE subscriber = $1 AND position = ANY ($2::bigint[]) AND dead_at IS NULL
    AND attempts = ($3::int[])[array_position($2::bigint[], position)]
"""


class Payment(NamedTuple):
    """How many debts were paid, and how many deliveries became due by that."""

    paid: int
    woken: int


async def lock(connection: AsyncConnection, deliveries: Sequence[Delivery]) -> set[int]:
    """The positions of those that are still ours; they are locked until the transaction ends."""
    rows = await connection.exec_driver_sql(LOCK, _fence(deliveries))
    return {row.position for row in rows}


async def pay(connection: AsyncConnection, deliveries: Sequence[Delivery]) -> Payment:
    result = await connection.exec_driver_sql(PAY, _fence(deliveries))
    counts = result.one()
    return Payment(counts.paid, counts.woken)


async def fail(
    connection: AsyncConnection, delivery: Delivery, *, wait: float, error: str, max_attempts: int
) -> bool | None:
    """Whether that made it a dead letter; None when it was no longer ours."""
    this = (delivery.position, delivery.subscriber, delivery.attempts)
    result = await connection.exec_driver_sql(FAIL, (*this, wait, error, max_attempts))
    dead: bool | None = result.scalar()
    return dead


async def release(
    connection: AsyncConnection, deliveries: Sequence[Delivery], *, after: float
) -> None:
    """Due again in `after` seconds, as if they had not been claimed."""
    await connection.exec_driver_sql(RELEASE, (*_fence(deliveries), after))


def _fence(deliveries: Sequence[Delivery]) -> tuple[str, list[int], list[int]]:
    """Subscriber (one for all of them), positions, attempts."""
    return (
        deliveries[0].subscriber,
        [delivery.position for delivery in deliveries],
        [delivery.attempts for delivery in deliveries],
    )
