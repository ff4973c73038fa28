"""Dead letters: deliveries that failed for good, and what an operator may do about one."""

from __future__ import annotations

from app.shared.infrastructure.statements import Statements

REVIVE = """
-- Owe it again, with all of its attempts.
UPDATE messaging.delivery
SET dead_at = NULL, attempts = 0, available_at = now(), last_error = NULL
WHERE position = $1 AND subscriber = $2 AND dead_at IS NOT NULL
RETURNING true
"""

DISCARD = """
-- Owe it no longer; where it held back its key, the next delivery of the key is due.
WITH discarded AS (
    DELETE FROM messaging.delivery
    WHERE position = $1 AND subscriber = $2 AND dead_at IS NOT NULL
    RETURNING subscriber, key
), woken AS (
    UPDATE messaging.delivery AS waiting SET available_at = clock_timestamp()
    FROM discarded
    WHERE waiting.subscriber = discarded.subscriber AND waiting.dead_at IS NULL
        AND waiting.position = (
            SELECT line.position FROM messaging.delivery AS line
            WHERE line.subscriber = discarded.subscriber AND line.key = discarded.key
                AND line.position <> $1 AND (line.dead_at IS NULL OR line.strict)
            ORDER BY line.key, line.position LIMIT 1
        )
)
SELECT true FROM discarded
"""


async def revive(statements: Statements, position: int, subscriber: str) -> bool:
    """Whether there was such a dead letter; it is due again, with all of its attempts."""
    return bool(await statements.value(REVIVE, position, subscriber))


async def discard(statements: Statements, position: int, subscriber: str) -> bool:
    """Whether there was such a dead letter; it is never delivered, its key goes on."""
    return bool(await statements.value(DISCARD, position, subscriber))
