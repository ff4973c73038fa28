"""A network that drops packets without a word, as firewalls and failing hosts do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.infrastructure.statements import AsyncpgReader, Statements

GIVES_UP = """
SELECT current_setting('tcp_keepalives_idle')::int
        + current_setting('tcp_keepalives_interval')::int
        * current_setting('tcp_keepalives_count')::int AS idle,
    current_setting('tcp_user_timeout')::int / 1000 AS unanswered
"""
ENDLESS = 600.0
"""Seconds; whoever waits as long fails the test by its own, shorter limit."""


class Wire:
    """Forwards to PostgreSQL until it is dead; then nothing arrives and nobody is told."""

    def __init__(self, database_url: str) -> None:
        self._target = make_url(database_url)
        self._alive = asyncio.Event()
        self._alive.set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """The URL of the database by way of this wire."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        near = self._target.set(host="127.0.0.1", port=port)
        return near.render_as_string(hide_password=False)

    def die(self) -> None:
        self._alive.clear()

    async def close(self) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await asyncio.open_connection(self._target.host, self._target.port or 5432)
        for source, sink in ((reader, far[1]), (far[0], writer)):
            self._pumps.add(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self._alive.wait()
                sink.write(data)
        finally:
            sink.close()


@pytest.fixture
async def wire(database: str) -> AsyncIterator[Wire]:
    wire = Wire(database)
    yield wire
    await wire.close()


async def test_a_cancelled_statement_does_not_wait_for_a_dead_connection(wire: Wire) -> None:
    url = await wire.open()
    statements = Statements(url, pool_size=1, pool_timeout=ENDLESS, connect_timeout=1)
    while not await _answers(statements):
        pass
    wire.die()

    async with asyncio.timeout(60):
        with pytest.raises((TimeoutError, DatabaseUnavailableError)):
            async with asyncio.timeout(0.1):
                await statements.value("select 1")

    with pytest.raises(DatabaseUnavailableError):
        await statements.value("select 1")
    await statements.close()


async def _answers(statements: Statements) -> bool:
    """Not where opening the connection took longer than it may."""
    with suppress(DatabaseUnavailableError):
        return bool(await statements.value("select true"))
    return False


async def test_postgresql_gives_up_a_client_that_is_silent_for_ten_seconds(
    engine: AsyncEngine, statements: Statements, reader: AsyncpgReader
) -> None:
    async with engine.connect() as connection:
        limits = (await connection.exec_driver_sql(GIVES_UP)).one()

    assert tuple(limits) == (10, 10)
    for pool in (statements, reader):
        row = await pool.row(GIVES_UP)
        assert row is not None
        assert (row["idle"], row["unanswered"]) == (10, 10)
