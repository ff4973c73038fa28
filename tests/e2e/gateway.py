"""A way to PostgreSQL that a test can cut, damage or block, as networks and restarts do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import make_url


class Gateway:
    """Forwards TCP connections to the database, until it is told not to."""

    def __init__(self, database_url: str) -> None:
        self._target = make_url(database_url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._way = asyncio.Event()
        self._draw: Callable[[], int] | None = None
        self._left = 0

    async def open(self) -> None:
        """Listen and forward; after a cut on the same port as before."""
        self._way.set()
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse new connections and end those that there are."""
        if self._server is None:
            return
        self._server.close()
        self._way.set()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    def cut_in_the_middle(self, draw: Callable[[], int] | None) -> None:
        """Each time that `draw` more bytes have passed, end the connection on which they do.

        What is left of a message arrives and the rest does not; None leaves them whole again.
        """
        self._draw = draw
        self._left = draw() if draw else 0

    def swallow(self) -> None:
        """Accept connections, and let nothing pass on them or on those that there are."""
        self._way.clear()

    @property
    def url(self) -> str:
        through = self._target.set(host="127.0.0.1", port=self._port)
        return through.render_as_string(hide_password=False)

    async def _forward(
        self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter
    ) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(
                self._target.host, self._target.port or 5432
            )
        except OSError:
            near_writer.transport.abort()
            return
        pair = {near_writer, far_writer}
        self._writers |= pair
        await asyncio.gather(
            self._pump(near_reader, far_writer, near_writer),
            self._pump(far_reader, near_writer, far_writer),
        )
        self._writers -= pair

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opposite: asyncio.StreamWriter,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._way.wait()
                if self._draw is not None and len(data) > self._left:
                    writer.write(data[: self._left])
                    self._left = self._draw()
                    opposite.transport.abort()
                    break
                self._left -= len(data)
                writer.write(data)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
