"""Lets time pass without waiting: what is written in rows moves back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.shared.infrastructure.statements import Statements

_PASS = """
update auth.session
set created_at = created_at - $1 * interval '1 second',
    rotated_at = rotated_at - $1 * interval '1 second',
    parent_rotated_at = parent_rotated_at - $1 * interval '1 second',
    idle_expires_at = idle_expires_at - $1 * interval '1 second',
    absolute_expires_at = absolute_expires_at - $1 * interval '1 second'
"""

GRACE = 30
DAY = 24 * 60 * 60


class StoredSessions:
    """The rows of `auth.session`, and the time that has passed for them."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def let_pass(self, seconds: float) -> None:
        await self._statements.rows(_PASS, float(seconds))

    async def row(self, session_id: UUID) -> dict[str, Any]:
        row = await self._statements.row("select * from auth.session where id = $1", session_id)
        assert row is not None
        return {column: row[column] for column in row.keys()}  # noqa: SIM118  # a record, no dict

    async def revocations(self, session_id: UUID) -> int:
        count: int = await self._statements.value(
            "select count(*) from auth.revocation where session_id = $1", session_id
        )
        return count


class StoredAttempts:
    """The rows of `auth.throttle`, and the time that has passed for them."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def let_pass(self, seconds: float) -> None:
        await self._statements.rows(
            "update auth.throttle set forgiven_at = forgiven_at - $1 * interval '1 second',"
            " next_at = next_at - $1 * interval '1 second'",
            float(seconds),
        )
