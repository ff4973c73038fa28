"""Hears what PostgreSQL is told to notify of, on a connection that does nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import asyncpg
import structlog

from app.database import asyncpg_dsn, server_settings
from app.shared.infrastructure.outages import is_outage, outages_as_unavailable
from app.shared.infrastructure.periodic import Beside

APPLICATION_NAME = "app-listener"
"""What the connection calls itself in `pg_stat_activity`."""

_SILENCE = 15.0
"""Seconds after which the connection has to show that it lives: what only listens would never
notice that the other end is gone."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
"""Seconds that an attempt to connect waits at the most; each may wait twice as long."""
_ATTENTIVE = {"idle_session_timeout": "0"}

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_log = structlog.get_logger("app.listening")


class PostgresListener(Beside):
    """LISTEN on one channel, for as long as the process runs.

    Only a hint: what is notified of while the connection is broken is lost, so whoever listens
    polls as well. `heard` is called at every notification, `resumed` whenever the connection is
    back. It belongs to no pool, since it is never given back.
    """

    def __init__(
        self,
        url: str,
        channel: str,
        *,
        heard: Callable[[], None],
        resumed: Callable[[], None],
        connect_timeout: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._dsn = asyncpg_dsn(url)
        self._channel = channel
        self._heard = heard
        self._resumed = resumed
        self._connect_timeout = connect_timeout
        self._draw = draw
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when it listens. Raises `DatabaseUnavailableError`."""
        with outages_as_unavailable():
            self._connection = await self._listen()
        self._keeper = asyncio.create_task(self._keep(), name=f"listen {self._channel}")

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._connection is not None:
            try:
                await self._connection.close(timeout=self._connect_timeout)
            except Exception as error:
                if not is_outage(error):
                    raise
            finally:
                self._connection.terminate()

    async def _keep(self) -> None:
        while self._connection is not None:
            await self._ended(self._connection)
            self._connection.terminate()
            self._connection = await self._listen_again()
            self._resumed()

    async def _ended(self, connection: Connection) -> None:
        """Returns when the connection has broken, or no longer answers."""
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        while not (ended.is_set() or connection.is_closed()):
            with suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE):
                    await ended.wait()
                    return
            try:
                await connection.execute("select 1")
            except Exception as error:
                _log.debug("listening connection is silent", error=type(error).__name__)
                return

    async def _listen_again(self) -> Connection:
        _log.warning("not listening", channel=self._channel)
        pause = _FIRST_PAUSE
        while True:
            # Everybody lost it at the same moment, and need not come back at the same one.
            await asyncio.sleep(pause * self._draw())
            try:
                connection = await self._listen()
            except Exception as error:
                _log.debug("still not listening", error=type(error).__name__)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                _log.info("listening again", channel=self._channel)
                return connection

    async def _listen(self) -> Connection:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=self._connect_timeout,
            command_timeout=self._connect_timeout,
            server_settings=server_settings(name=APPLICATION_NAME) | _ATTENTIVE,
        )
        try:
            await connection.add_listener(self._channel, self._hear)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hear(self, *_: object) -> None:
        self._heard()


ListenTo: TypeAlias = Callable[..., PostgresListener]
"""Makes one on this process's database, given the channel, `heard` and `resumed`."""
