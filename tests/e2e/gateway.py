"""A way to PostgreSQL that a test can cut, as a network or a restart does."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy import make_url


class Gateway:
    """Forwards TCP connections to the database, until it is cut."""

    def __init__(self, database_url: str) -> None:
        self._target = make_url(database_url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; after a cut on the same port as before."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse new connections and end those that there are."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    @property
    def url(self) -> str:
        through = self._target.set(host="127.0.0.1", port=self._port)
        return through.render_as_string(hide_password=False)

    async def _forward(
        self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            self._target.host, self._target.port or 5432
        )
        pair = {near_writer, far_writer}
        self._writers |= pair
        await asyncio.gather(_pump(near_reader, far_writer), _pump(far_reader, near_writer))
        self._writers -= pair


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
