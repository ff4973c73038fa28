"""Whether what PostgreSQL acknowledges is kept, asked before anything starts."""

from __future__ import annotations

import asyncpg

KEPT = """
-- Whether a commit of this role in this database is written down before it is acknowledged.
SELECT current_setting('synchronous_commit') <> 'off'
"""


async def weakness(connection: asyncpg.Connection[asyncpg.Record]) -> str | None:
    """What the operator should do where a crash could take back a logout that was answered."""
    if await connection.fetchval(KEPT):
        return None
    return "synchronous_commit is off: a crash of PostgreSQL would take back what was acknowledged"
