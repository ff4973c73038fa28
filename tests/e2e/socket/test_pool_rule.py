"""The pools of a process fit into what PostgreSQL allows, or it does not start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.e2e.socket.conftest import RunCommand, StartCommand
from tests.e2e.socket.server import Running, eventually, free_port

Limit = Callable[[int], Awaitable[str]]

SMALL = {
    "EVENTS_CONCURRENCY": "1",
    "DATABASE_POOL_SIZE": "3",
    "DATABASE_STATEMENT_POOL_SIZE": "1",
    "DATABASE_READ_POOL_SIZE": "1",
}
"""Five connections in the pools, one that listens, and one for a job's lock."""


@pytest.fixture
async def limit_role(
    database: str, maintenance: asyncpg.Connection[Any], testrun_uid: str, worker_id: str
) -> AsyncIterator[Limit]:
    """`await limit_role(20)`: the URL of the database for a role that may connect so often."""
    role = f"limited_{testrun_uid[:12]}_{worker_id}"
    owner = make_url(database).username

    async def limit(connections: int) -> str:
        await maintenance.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD 'otters' CONNECTION LIMIT {connections}"
            f" IN ROLE {owner}"
        )
        url = make_url(database).set(drivername="postgresql", username=role, password="otters")
        return url.render_as_string(hide_password=False)

    yield limit
    await maintenance.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("command", ["worker", "serve"])
async def test_a_process_whose_pools_exceed_the_limit_of_its_role_does_not_start(
    run_command: RunCommand, limit_role: Limit, command: str
) -> None:
    url = await limit_role(20)

    ended = await run_command(command, DATABASE_URL=url)

    assert ended.returncode == 1
    assert ended.stderr == (
        "app: 22 connections, 22 in each process, do not fit into 20, "
        "the connection limit of the role: lower DATABASE_POOL_SIZE\n"
    )


async def test_a_process_whose_pools_exceed_the_limit_of_the_database_does_not_start(
    run_command: RunCommand,
    limit_role: Limit,
    maintenance: asyncpg.Connection[Any],
    database: str,
) -> None:
    url = await limit_role(100)
    name = make_url(database).database
    await maintenance.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 20")

    try:
        ended = await run_command("worker", DATABASE_URL=url)
    finally:
        await maintenance.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")

    assert ended.returncode == 1
    assert "do not fit into 20, the connection limit of the database" in ended.stderr


async def test_more_processes_than_postgresql_has_connections_for_do_not_start(
    run_command: RunCommand, maintenance: asyncpg.Connection[Any]
) -> None:
    most = int(await maintenance.fetchval("SHOW max_connections"))
    kept = int(await maintenance.fetchval("SHOW superuser_reserved_connections"))
    processes = (most - kept) // 7 + 1

    ended = await run_command(
        "serve", "--port", str(free_port()), "--workers", str(processes), **SMALL
    )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"app: {7 * processes} connections, 7 in each process, do not fit into {most - kept}, "
        "max_connections less the reserved ones: lower DATABASE_POOL_SIZE or --workers\n"
    )


async def test_a_process_that_only_others_leave_no_room_starts_with_a_warning(
    start_command: StartCommand, limit_role: Limit
) -> None:
    url = await limit_role(8)
    async with AsyncExitStack() as others:
        for _ in range(2):
            connection = await asyncpg.connect(url)
            others.push_async_callback(connection.close)

        worker = start_command("worker", DATABASE_URL=url, **SMALL)

        await eventually(lambda: _delivers(worker))
    await worker.end()
    assert '"event": "connections may run out"' in worker.log()
    assert '"needed": 7, "limit": "the connection limit of the role"' in worker.log()
    assert '"allowed": 8, "taken": 2' in worker.log()


async def test_a_process_that_just_fits_starts_without_a_word(
    start_command: StartCommand, limit_role: Limit
) -> None:
    worker = start_command("worker", DATABASE_URL=await limit_role(7), **SMALL)

    await eventually(lambda: _delivers(worker))
    await worker.end()

    assert "the connection limit of the role" not in worker.log()


async def _delivers(worker: Running) -> bool:
    return '"worker delivers events"' in worker.log()
