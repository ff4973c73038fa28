"""Migrations: up, down and up again; the metadata and the database say the same."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from app.database import metadata
from app.shared.infrastructure.migrating import alembic_config, migrate

TABLES = """
SELECT schemaname || '.' || tablename AS name FROM pg_tables
WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%'
"""
VERSION_TABLE = "CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY)"
"""While it is not committed, whoever migrates comes as far as this and no farther."""

ALL_ARE_THERE = """
SELECT count(*) = 3 AND bool_or(wait_event_type = 'Lock') FROM pg_stat_activity
WHERE datname = current_database() AND application_name <> 'test'
    AND backend_type = 'client backend'
"""


async def test_every_revision_goes_up_and_down_and_up_again(blank_database_url: str) -> None:
    config = alembic_config(blank_database_url)
    oldest_first = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]

    for revision in oldest_first:
        for step in (command.upgrade, command.downgrade, command.upgrade):
            down = step is command.downgrade
            target = f"{revision.revision}@-1" if down else revision.revision
            await asyncio.to_thread(step, config, target)
    await asyncio.to_thread(command.downgrade, config, "base")
    await asyncio.to_thread(migrate, blank_database_url)

    await asyncio.to_thread(command.check, config)


async def test_the_database_has_what_the_metadata_says(database_url: str) -> None:
    config = alembic_config(database_url)

    await asyncio.to_thread(command.check, config)


async def test_every_table_is_in_the_metadata_under_a_schema(blank_database_url: str) -> None:
    await asyncio.to_thread(migrate, blank_database_url)

    async with _connected(blank_database_url) as connection:
        stored = {row["name"] for row in await connection.fetch(TABLES)}

    assert stored == {*metadata.tables, "public.alembic_version"}


async def test_concurrent_migrations_wait_for_each_other(blank_database_url: str) -> None:
    code = (
        "import sys; from app.shared.infrastructure.migrating import migrate; migrate(sys.argv[1])"
    )
    start = (sys.executable, "-c", code, blank_database_url)

    async with _connected(blank_database_url) as ahead, _connected(blank_database_url) as observer:
        await ahead.execute(f"BEGIN; {VERSION_TABLE}")
        started = [await asyncio.create_subprocess_exec(*start) for _ in range(3)]
        async with asyncio.timeout(120):
            while not await observer.fetchval(ALL_ARE_THERE):
                pass
        await ahead.execute("ROLLBACK")
        codes = [await process.wait() for process in started]

    assert codes == [0, 0, 0]


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    plain = make_url(url).set(drivername="postgresql")
    connection = await asyncpg.connect(
        plain.render_as_string(hide_password=False), server_settings={"application_name": "test"}
    )
    try:
        yield connection
    finally:
        await connection.close()
