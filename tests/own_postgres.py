"""A PostgreSQL of one test's own, which it may break without harm to any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from app.shared.infrastructure.migrating import migrate
from tools.postgres import SPEED_OVER_SAFETY, EmbeddedPostgres


class OwnPostgres:
    """A migrated server that can be ended and started again at its address."""

    def __init__(self, server: EmbeddedPostgres, url: str) -> None:
        self._server = server
        self.url = url

    async def stop(self) -> None:
        await asyncio.to_thread(self._server._cluster().stop)

    async def start(self) -> None:
        """Again, or anew where it is failing."""
        port = await asyncio.to_thread(self._server._cluster().start)
        assert f":{port}/" in self.url

    async def value(self, statement: str) -> Any:
        async with self._connection() as connection:
            return await connection.fetchval(statement)

    async def execute(self, script: str) -> None:
        async with self._connection() as connection:
            await connection.execute(script)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def own_postgres(folder: Path | None = None, **settings: str) -> AsyncIterator[OwnPostgres]:
    """Its data are in a temporary folder, or in the one that is given; both are emptied."""
    if folder is None:
        server = EmbeddedPostgres.for_tests(**settings)
    else:
        server = EmbeddedPostgres(folder, settings=SPEED_OVER_SAFETY | settings, discard=True)
    try:
        url = await asyncio.to_thread(server.start)
        await asyncio.to_thread(migrate, url)
        yield OwnPostgres(server, url)
    finally:
        await asyncio.to_thread(server.stop)
