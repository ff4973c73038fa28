"""Single SQL statements outside of any unit of work, each a transaction of its own.

For what is asked or changed at every request: on asyncpg's own pool a statement costs one round
trip and a quarter of what a connection of the object mapper's pool costs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from app.database import asyncpg_dsn, server_settings
from app.shared.application.reader import Reader, Row
from app.shared.infrastructure.outages import outages_as_unavailable


async def _keep_as_it_is(_connection: object) -> None:
    """Nothing is left behind by a statement that is its own transaction: spare the reset."""


class Statements:
    """Runs statements with `$1` parameters, on at most `pool_size` connections.

    They are opened as they are needed. `pool_timeout` bounds the wait for a free one,
    `connect_timeout` the opening of a new one, both in seconds. Every method raises
    `DatabaseUnavailableError` when PostgreSQL cannot be asked.
    """

    read_only = False

    def __init__(
        self, url: str, *, pool_size: int, pool_timeout: float, connect_timeout: float = 2.0
    ) -> None:
        self._dsn = asyncpg_dsn(url)
        self._pool_size = pool_size
        self._pool_timeout = pool_timeout
        self._connect_timeout = connect_timeout
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def row(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None."""
        async with self._connection() as connection:
            row: Row | None = await connection.fetchrow(sql, *args)
            return row

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
        async with self._connection() as connection:
            rows: Sequence[Row] = await connection.fetch(sql, *args)
            return rows

    async def value(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        async with self._connection() as connection:
            return await connection.fetchval(sql, *args)

    async def close(self) -> None:
        """Close every connection; the next statement would open new ones."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with outages_as_unavailable():
            pool = self._pool or await self._open()
            connection = await pool.acquire(timeout=self._pool_timeout)
            try:
                yield connection
            finally:
                # Where PostgreSQL does not even confirm that it cancels, it is not waited for.
                await pool.release(connection, timeout=self._connect_timeout)

    async def _open(self) -> asyncpg.Pool[asyncpg.Record]:
        pool = asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._pool_size,
            max_inactive_connection_lifetime=0,
            reset=_keep_as_it_is,
            timeout=self._connect_timeout,
            command_timeout=30,
            server_settings=server_settings(read_only=self.read_only),
        )
        # Of size 0 it opens nothing yet, so nobody else can come between these two lines.
        self._pool = await pool
        return self._pool


class AsyncpgReader(Statements, Reader):
    """Statements on connections that PostgreSQL keeps from writing."""

    read_only = True
