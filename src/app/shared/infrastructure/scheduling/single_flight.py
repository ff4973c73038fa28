"""One process at a time: a lock that lives and dies with a connection of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from app.database import asyncpg_dsn, server_settings
from app.shared.infrastructure.outages import is_outage, outages_as_unavailable

LOCKS = 0x73636865
"""The first half of every key: no other advisory lock of this database has it."""

_LOCK = "SELECT pg_try_advisory_lock($1, hashtext($2))"
_UNLOCK = "SELECT pg_advisory_unlock($1, hashtext($2))"

_ATTENTIVE = {
    # A machine that vanished without a word is noticed after half a minute, not after two hours.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # Between lock and unlock nothing is said.
    "idle_session_timeout": "0",
}


class SingleFlight:
    """Advisory locks of sessions: PostgreSQL frees one as soon as its holder's connection ends.

    The connection is opened for the lock and does nothing else, so no transaction is open while
    the lock is held, and no pool is short of a connection.
    """

    def __init__(self, url: str, *, connect_timeout: float) -> None:
        self._dsn = asyncpg_dsn(url)
        self._connect_timeout = connect_timeout

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Lock | None]:
        """None when somebody else has it. Raises `DatabaseUnavailableError`."""
        with outages_as_unavailable():
            connection = await asyncpg.connect(
                self._dsn,
                timeout=self._connect_timeout,
                command_timeout=self._connect_timeout,
                server_settings=server_settings() | _ATTENTIVE,
            )
        lock = Lock(connection)
        try:
            with outages_as_unavailable():
                held = await connection.fetchval(_LOCK, LOCKS, name)
            yield lock if held else None
        finally:
            try:
                if not lock.lost:
                    await connection.fetchval(_UNLOCK, LOCKS, name)
                await connection.close(timeout=self._connect_timeout)
            except Exception as error:
                if not is_outage(error):
                    raise
            finally:
                connection.terminate()


class Lock:
    """A lock that is held until its connection ends."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    @property
    def lost(self) -> bool:
        return self._connection.is_closed()

    def when_lost(self, act: Callable[[], object]) -> None:
        """Called as soon as somebody else could take it, and when it is given back."""

        def heard(_: object) -> None:
            act()

        self._connection.add_termination_listener(heard)
