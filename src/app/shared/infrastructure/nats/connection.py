"""A connection to NATS that is made again whenever it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

PATIENCE = 2.0
"""Seconds that a starting process gives the first connection before it goes on without."""

PAUSE = 1.0
"""Seconds between two attempts to connect."""

_log = structlog.get_logger("app.broker")


class NatsConnection:
    """Gives `established` to whoever waits for it.

    The client's own reconnecting is off: it gives up for good when a server refuses the login
    once, and until then it keeps what is published, to send it when nobody expects it any more.
    `prepare` runs on every new connection, before anybody gets it.
    """

    def __init__(self, url: str, prepare: Callable[[JetStreamContext], Awaitable[None]]) -> None:
        self._servers = url.split(",")
        self._prepare = prepare
        self._jetstream: JetStreamContext | None = None
        self._established = asyncio.Event()
        self._tried = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._reported = False

    async def open(self) -> None:
        """Returns after the first attempt, or after `PATIENCE`."""
        self._keeper = asyncio.create_task(self._keep(), name="nats.connection")
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._tried.wait()

    async def close(self) -> None:
        # Asked again: a client that is just connecting takes the first time for its own.
        while self._keeper is not None and not self._keeper.done():
            self._keeper.cancel()
            await asyncio.wait({self._keeper}, timeout=1)

    async def established(self) -> JetStreamContext:
        """The present connection, or the next one."""
        while self._jetstream is None:
            await self._established.wait()
        return self._jetstream

    async def _keep(self) -> None:
        while True:
            try:
                await self._connect()
            except Exception as error:
                self._report(error)
            self._tried.set()
            await asyncio.sleep(PAUSE)

    async def _connect(self) -> None:
        """Connect, and return when the connection has ended."""
        ended = asyncio.Event()

        async def end() -> None:
            ended.set()

        client = Client()
        try:
            await client.connect(
                self._servers,
                **self._credentials(),
                name="bulkhead",
                error_cb=_ignore,
                closed_cb=end,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                connect_timeout=2,
                reconnect_time_wait=1,
                ping_interval=10,
            )
            jetstream = client.jetstream()
            await self._prepare(jetstream)
            self._jetstream = jetstream
            self._established.set()
            self._tried.set()
            self._reported = False
            _log.info("connected to the broker")
            await ended.wait()
            self._report(ConnectionResetError())
        finally:
            self._jetstream = None
            self._established.clear()
            await client.close()

    def _credentials(self) -> dict[str, Any]:
        """Decoded: the client would send what stands in the URL as it stands there."""
        url = urlsplit(self._servers[0])
        if url.username is None:
            return {}
        if url.password is None:
            return {"token": unquote(url.username)}
        return {"user": unquote(url.username), "password": unquote(url.password)}

    def _report(self, error: Exception) -> None:
        """Once per outage. The messages of the client hold addresses, never credentials."""
        if not self._reported:
            _log.warning(
                "the broker is out of reach", error=type(error).__name__, reason=str(error)
            )
        self._reported = True


async def _ignore(_: Exception) -> None:
    """What matters ends the connection or fails a call; both are seen there."""
