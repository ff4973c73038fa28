"""PostgreSQL is restarted, or its backends are ended, while people use the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.database import asyncpg_dsn
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.outage.conftest import PATIENT, crowded, nothing_was_lost
from tests.own_postgres import OwnPostgres, own_postgres

TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'app'
"""
TIMES = 10


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with own_postgres() as postgres:
        yield postgres


async def test_a_restart_of_postgresql_costs_no_more_than_503s(
    start_server: StartServer, postgres: OwnPostgres
) -> None:
    server = await start_server(DATABASE_URL=postgres.url, **PATIENT)

    async with crowded(server) as crowd:
        await postgres.stop()
        await crowd.feels_it(times=20)
        await postgres.start()

    assert set(crowd.answers) == {200, 202, 204, 503}
    await nothing_was_lost(postgres.url)


async def test_backends_terminated_again_and_again_cost_no_more_than_503s(
    start_server: StartServer, database: str
) -> None:
    server = await start_server(**PATIENT)

    async with crowded(server) as crowd:
        connection = await asyncpg.connect(
            asyncpg_dsn(database), server_settings={"application_name": "axe"}
        )
        for _ in range(TIMES):
            await connection.fetchval(TERMINATE)
            await asyncio.sleep(0.3)
        await connection.close()

    assert set(crowd.answers) == {200, 202, 204, 503}
    await nothing_was_lost(database)
