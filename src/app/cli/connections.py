"""The pool rule: what this command may open has to fit into what PostgreSQL allows."""

from __future__ import annotations

from typing import Any

import asyncpg
import structlog

LIMITS = """
-- Each limit on the connections of this role to this database, and what others have open below it.
SELECT 'max_connections less the reserved ones' AS "limit",
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) AS allowed,
    (SELECT sum(numbackends)::int - 1 FROM pg_stat_database) AS taken
UNION ALL
SELECT 'the connection limit of the role', rolconnlimit,
    (SELECT count(*)::int - 1 FROM pg_stat_activity WHERE usesysid = pg_roles.oid)
FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0 AND NOT rolsuper
UNION ALL
SELECT 'the connection limit of the database', datconnlimit, pg_stat_get_db_numbackends(oid) - 1
FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
"""

_log = structlog.get_logger("app.database")


async def obstacle(
    connection: asyncpg.Connection[Any], *, processes: int, of_each: int
) -> str | None:
    """Why processes that open so many connections each can never run here, in a line.

    That they could, were it not for what others have open at the moment, is only a warning.
    """
    needed = processes * of_each
    for bound in await connection.fetch(LIMITS):
        if needed > bound["allowed"]:
            return (
                f"{needed} connections, {of_each} in each process, do not fit into "
                f"{bound['allowed']}, {bound['limit']}: lower DATABASE_POOL_SIZE"
                f"{' or --workers' if processes > 1 else ''}"
            )
        if needed > bound["allowed"] - bound["taken"]:
            _log.warning("connections may run out", needed=needed, **bound)
    return None
