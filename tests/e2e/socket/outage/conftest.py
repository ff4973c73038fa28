"""What is promised through every outage, and after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx

from app.database import asyncpg_dsn
from tests.e2e.socket.outage.crowd import Crowd
from tests.e2e.socket.server import IDLE, Server, eventually

OWED = "SELECT count(*) FROM messaging.delivery"
LET_LEASES_PASS = "UPDATE messaging.delivery SET available_at = now() WHERE dead_at IS NULL"
"""Once, for what was handled and could not be paid for: others may take it after half a minute."""
TRY_AGAIN = """
UPDATE messaging.delivery SET available_at = now()
WHERE last_error IS NOT NULL AND dead_at IS NULL AND available_at > now()
"""
"""Time passes for what the outage made fail: a mail waits for longer than a test."""
RECOVERY = 5.0
"""Seconds: what is promised from the end of an outage until a newcomer has come all the way, and
none meets a 503."""

STALLS = 10.0
"""Seconds for which a busy machine may stop meanwhile; that is no fault of the product."""

LONGEST = 10.0
"""Seconds within which everything has an answer, by the settings below, where nothing stops."""

PATIENT = {
    "APP_REQUEST_TIMEOUT": "2",
    "DATABASE_POOL_TIMEOUT": "1",
    "DATABASE_CONNECT_TIMEOUT": "10",
    "EVENTS_POLL": "0.5",
}
"""Shorter than the defaults, so that a request that waits is answered within the test; but for
the opening of a connection, which takes a while where the machine stops meanwhile."""


@asynccontextmanager
async def crowded(server: Server) -> AsyncIterator[Crowd]:
    """A crowd all around the block; newcomers are well before it and soon after it."""
    limits, longest = httpx.Limits(keepalive_expiry=IDLE), LONGEST + STALLS
    async with httpx.AsyncClient(base_url=server.url, timeout=longest, limits=limits) as client:
        crowd = Crowd(client)
        crowd.arrive()
        try:
            await crowd.welcomes(within=60)
            yield crowd
            await crowd.welcomes(within=RECOVERY + STALLS)
            await crowd.leave()
        finally:
            await crowd.dissolve()


async def nothing_was_lost(url: str) -> None:
    """Every account gets its profile; nothing stays owed, dead letters included."""
    connection = await asyncpg.connect(asyncpg_dsn(url))

    async def is_settled() -> bool:
        await connection.execute(TRY_AGAIN)
        return bool(await connection.fetchval(OWED) == 0)

    try:
        await connection.execute(LET_LEASES_PASS)
        await eventually(is_settled, within=120)
        accounts = await connection.fetchval("SELECT count(*) FROM auth.account")
        profiles = await connection.fetchval("SELECT count(*) FROM users.profile")
    finally:
        await connection.close()
    assert accounts == profiles > 0
