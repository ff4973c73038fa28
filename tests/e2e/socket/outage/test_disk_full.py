"""The disk of PostgreSQL is full: first for its tables, then for its log of changes too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.outage.conftest import PATIENT, crowded, nothing_was_lost
from tests.e2e.socket.outage.small_disk import NoDiskError, SmallDisk
from tests.own_postgres import OwnPostgres, own_postgres

GROW = "CREATE TABLE filling AS SELECT generate_series(1, 10000)"
NEXT_SEGMENT = "SELECT pg_switch_wal()"
GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    try:
        disk = SmallDisk()
    except NoDiskError as error:
        pytest.skip(str(error))
    yield disk
    disk.unmount()


@pytest.fixture
async def postgres(disk: SmallDisk) -> AsyncIterator[OwnPostgres]:
    # Without recycled segments, whoever needs another one needs room for it.
    async with own_postgres(disk.folder, wal_recycle="off") as postgres:
        yield postgres


async def test_a_full_disk_costs_no_more_than_503s(
    start_server: StartServer, postgres: OwnPostgres, disk: SmallDisk
) -> None:
    server = await start_server(DATABASE_URL=postgres.url, **PATIENT)
    await postgres.value(NEXT_SEGMENT)

    async with crowded(server) as crowd:
        disk.fill()
        with pytest.raises(asyncpg.DiskFullError):
            await postgres.value(GROW)
        await crowd.feels_it(times=5)
        disk.free()

    assert set(crowd.answers) == {200, 202, 204, 503}
    await nothing_was_lost(postgres.url)


async def test_a_postgresql_that_died_of_a_full_disk_costs_no_more_than_503s(
    start_server: StartServer, postgres: OwnPostgres, disk: SmallDisk
) -> None:
    server = await start_server(DATABASE_URL=postgres.url, **PATIENT)

    async with crowded(server) as crowd:
        disk.fill()
        with pytest.raises(GONE):
            await _write_until_it_dies(postgres)
        await crowd.feels_it(times=20)
        disk.free()
        await postgres.start()

    assert set(crowd.answers) == {200, 202, 204, 503}
    await nothing_was_lost(postgres.url)


async def _write_until_it_dies(postgres: OwnPostgres) -> None:
    while True:
        await postgres.value(NEXT_SEGMENT)
