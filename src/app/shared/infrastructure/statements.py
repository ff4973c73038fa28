"""Single SQL statements outside of any unit of work, each a transaction of its own.

For what is asked or changed at every request: the asyncpg connection of the pool is used as it
is, so a statement costs one round trip and no object mapping.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from app.shared.application.reader import Reader, Row
from app.shared.infrastructure.outages import outages_as_unavailable


class Statements:
    """Runs statements with `$1` parameters on the write pool.

    Every method raises `DatabaseUnavailableError` when PostgreSQL cannot be asked.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def row(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None."""
        async with self._connection() as connection:
            return await connection.fetchrow(sql, *args)

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
        async with self._connection() as connection:
            return await connection.fetch(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        async with self._connection() as connection:
            return await connection.fetchval(sql, *args)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        with outages_as_unavailable():
            pooled = await self._engine.raw_connection()
            try:
                connection: Any = pooled.driver_connection
                yield connection
            finally:
                await greenlet_spawn(pooled.close)


class AsyncpgReader(Statements, Reader):
    """Statements on the read pool, whose connections PostgreSQL keeps from writing."""
