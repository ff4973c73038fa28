"""Whether the database has what this code reads and writes, asked before anything starts."""

from __future__ import annotations

import asyncpg

from app.database import metadata
from app.shared.infrastructure.messaging import tables as messaging
from app.shared.infrastructure.scheduling import tables as scheduling

COLUMNS = """
-- Every column in these schemas.
SELECT concat_ws('.', nspname, relname, attname) AS name
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = ANY($1) AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
"""

KERNEL = (messaging.SCHEMA, scheduling.SCHEMA)


async def shortcoming(connection: asyncpg.Connection[asyncpg.Record]) -> str | None:
    """What the operator should do; None when every table and column is there.

    More than that may be there: in a rolling deployment the database is the newer one.
    """
    needed = {f"{table}.{column.name}" for table in metadata.tables.values() for column in table.c}
    schemas = {table.schema for table in metadata.tables.values()} | {*KERNEL}
    present = {row["name"] for row in await connection.fetch(COLUMNS, list(schemas))}
    if not needed & present:
        return "the database has no schema yet: run `app migrate`"
    if needed - present:
        return "the database is older than this code: run `app migrate`"
    return None
