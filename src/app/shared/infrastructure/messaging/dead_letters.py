"""Dead letters: deliveries that failed for good, and what an operator may do about one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.shared.application.reader import Reader, Row
from app.shared.infrastructure.statements import Statements

REVIVE = """
-- Owe it again, with all of its attempts.
UPDATE messaging.delivery
SET dead_at = NULL, attempts = 0, available_at = now(), last_error = NULL
WHERE position = $1 AND subscriber = $2 AND dead_at IS NOT NULL
RETURNING true
"""

DISCARD = """
-- Owe it no longer; where it held back its key, the next delivery of the key is due. One that has
-- begun, since nothing held it back, keeps its lease.
WITH discarded AS (
    DELETE FROM messaging.delivery
    WHERE position = $1 AND subscriber = $2 AND dead_at IS NOT NULL
    RETURNING subscriber, key
), woken AS (
    UPDATE messaging.delivery AS waiting SET available_at = clock_timestamp()
    FROM discarded
    WHERE waiting.subscriber = discarded.subscriber AND waiting.dead_at IS NULL
        AND waiting.attempts = 0 AND waiting.position = (
            SELECT line.position FROM messaging.delivery AS line
            WHERE line.subscriber = discarded.subscriber AND line.key = discarded.key
                AND line.position <> $1 AND (line.dead_at IS NULL OR line.strict)
            ORDER BY line.key, line.position LIMIT 1
        )
)
SELECT true FROM discarded
"""

REVIVE_ALL = """
-- Owe all of a subscriber's dead letters again, with all of their attempts.
WITH revived AS (
    UPDATE messaging.delivery
    SET dead_at = NULL, attempts = 0, available_at = now(), last_error = NULL
    WHERE subscriber = $1 AND dead_at IS NOT NULL
    RETURNING true
)
SELECT count(*) FROM revived
"""

DISCARD_ALL = """
-- Owe none of a subscriber's dead letters any longer; where they held back a key, it goes on.
WITH discarded AS (
    DELETE FROM messaging.delivery WHERE subscriber = $1 AND dead_at IS NOT NULL
    RETURNING key, strict
), woken AS (
    UPDATE messaging.delivery AS waiting SET available_at = clock_timestamp()
    FROM (SELECT DISTINCT key FROM discarded WHERE strict AND key IS NOT NULL) AS held
    WHERE waiting.subscriber = $1 AND waiting.dead_at IS NULL AND waiting.attempts = 0
        AND waiting.position = (
            SELECT line.position FROM messaging.delivery AS line
            WHERE line.subscriber = $1 AND line.key = held.key AND line.dead_at IS NULL
            ORDER BY line.key, line.position LIMIT 1
        )
)
SELECT count(*) FROM discarded
"""

DEAD = """
-- The dead letters, of one subscriber (NULL: of all), at most $2.
SELECT delivery.position, subscriber, event.id AS event_id, type, version, event.key, occurred_at,
    attempts, dead_at, last_error, payload::text, meta::text
FROM messaging.delivery JOIN messaging.event ON event.position = delivery.position
WHERE dead_at IS NOT NULL AND ($1::text IS NULL OR subscriber = $1)
    AND ($3::bigint IS NULL OR delivery.position = $3)
ORDER BY subscriber, delivery.position LIMIT $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A delivery that failed for good, with its event as it is stored."""

    position: int
    subscriber: str
    event_id: UUID
    type: str
    version: int
    key: str | None
    occurred_at: datetime
    attempts: int
    dead_at: datetime
    last_error: str
    """The kind of the error and its place; its message is not stored."""
    payload: dict[str, Any]
    meta: dict[str, str]


async def dead_letters(
    reader: Reader, subscriber: str | None = None, *, limit: int
) -> list[DeadLetter]:
    """By subscriber, oldest first."""
    return [_dead_letter(row) for row in await reader.rows(DEAD, subscriber, limit, None)]


async def dead_letter(reader: Reader, position: int, subscriber: str) -> DeadLetter | None:
    row = await reader.row(DEAD, subscriber, 1, position)
    return _dead_letter(row) if row else None


async def revive(statements: Statements, position: int, subscriber: str) -> bool:
    """Whether there was such a dead letter; it is due again, with all of its attempts."""
    return bool(await statements.value(REVIVE, position, subscriber))


async def discard(statements: Statements, position: int, subscriber: str) -> bool:
    """Whether there was such a dead letter; it is never delivered, its key goes on."""
    return bool(await statements.value(DISCARD, position, subscriber))


async def revive_all(statements: Statements, subscriber: str) -> int:
    """How many dead letters it had; all or none of them are due again."""
    return int(await statements.value(REVIVE_ALL, subscriber))


async def discard_all(statements: Statements, subscriber: str) -> int:
    """How many dead letters it had; all or none of them are gone, and their keys go on."""
    return int(await statements.value(DISCARD_ALL, subscriber))


def _dead_letter(row: Row) -> DeadLetter:
    read = {"payload": json.loads(row["payload"]), "meta": json.loads(row["meta"])}
    return DeadLetter(**{**row, **read})
