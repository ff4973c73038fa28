"""Databases for tests: one migrated template per run, a clone of it per worker, clean per test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
import structlog
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import create_engine
from app.shared.infrastructure.migrating import migrate
from app.shared.infrastructure.statements import AsyncpgReader, Statements

pytest_plugins = ["tools.pytest_postgres"]

# Unconfigured it would draw every traceback with its local variables, for seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ]
)

PATIENCE = 60.0
"""Seconds: a machine that stops for two of them is no outage."""

TEMPLATE_LOCK = 0x74656D70
TABLES = """
SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
WHERE schemaname NOT IN ('public', 'information_schema') AND schemaname NOT LIKE 'pg\\_%'
"""


@pytest.fixture(scope="session")
async def maintenance() -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that may create and drop databases."""
    url = os.environ.get("TEST_DATABASE_URL")
    if url is None:
        pytest.fail("these tests need PostgreSQL: run `make test`, or set TEST_DATABASE_URL")
    connection = await asyncpg.connect(_at(url, "postgresql"))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def database_url(
    maintenance: asyncpg.Connection[asyncpg.Record], testrun_uid: str, worker_id: str
) -> AsyncIterator[str]:
    """This worker's own database, migrated; the last worker to leave drops the template too."""
    run = f"test_{testrun_uid[:12]}"
    template, clone = f"{run}_template", f"{run}_{worker_id}"
    async with _alone(maintenance):
        if not await maintenance.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            await maintenance.execute(f"CREATE DATABASE {template}")
            await asyncio.to_thread(migrate, _database(template))
        await maintenance.execute(f"CREATE DATABASE {clone} TEMPLATE {template}")
    yield _database(clone)
    async with _alone(maintenance):
        await maintenance.execute(f"DROP DATABASE {clone} WITH (FORCE)")
        left = await maintenance.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", run
        )
        if [row["datname"] for row in left] == [template]:
            await maintenance.execute(f"DROP DATABASE {template} WITH (FORCE)")


@pytest.fixture(scope="session")
async def another_database(
    maintenance: asyncpg.Connection[asyncpg.Record],
    database_url: str,
    testrun_uid: str,
    worker_id: str,
) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """`await another_database()`: the URL of one more migrated database; all go at the end."""
    made: list[str] = []

    async def clone() -> str:
        run = f"test_{testrun_uid[:12]}"
        name = f"{run}_{worker_id}_{len(made)}"
        async with _alone(maintenance):
            await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {run}_template")
        made.append(name)
        return _database(name)

    yield clone
    for name in made:
        await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def blank_database_url(
    maintenance: asyncpg.Connection[asyncpg.Record], testrun_uid: str, worker_id: str
) -> AsyncIterator[str]:
    """A database without any schema of ours, dropped after the test."""
    name = f"blank_{testrun_uid[:12]}_{worker_id}"
    await maintenance.execute(f"CREATE DATABASE {name}")
    yield _database(name)
    await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def pool(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(
        database_url, pool_size=20, pool_timeout=PATIENCE, connect_timeout=PATIENCE
    )
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def statement_pool(database_url: str) -> AsyncIterator[Statements]:
    statements = Statements(
        database_url, pool_size=5, pool_timeout=PATIENCE, connect_timeout=PATIENCE
    )
    yield statements
    await statements.close()


@pytest.fixture(scope="session")
async def read_pool(database_url: str) -> AsyncIterator[AsyncpgReader]:
    reader = AsyncpgReader(
        database_url, pool_size=5, pool_timeout=PATIENCE, connect_timeout=PATIENCE
    )
    yield reader
    await reader.close()


@pytest.fixture
async def database(database_url: str, statement_pool: Statements) -> str:
    """The URL of this worker's database, every table of every module empty."""
    statements = statement_pool
    tables = await statements.value(TABLES)
    await statements.rows(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    return database_url


@pytest.fixture
def engine(database: str, pool: AsyncEngine) -> AsyncEngine:
    """The write pool, on an empty database."""
    return pool


@pytest.fixture
def statements(database: str, statement_pool: Statements) -> Statements:
    return statement_pool


@pytest.fixture
def reader(database: str, read_pool: AsyncpgReader) -> AsyncpgReader:
    return read_pool


@asynccontextmanager
async def _alone(maintenance: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[None]:
    """Keeps the other workers out while databases are made and dropped."""
    await maintenance.execute(f"SELECT pg_advisory_lock({TEMPLATE_LOCK})")
    try:
        yield
    finally:
        await maintenance.execute(f"SELECT pg_advisory_unlock({TEMPLATE_LOCK})")


def _at(url: str, drivername: str) -> str:
    return make_url(url).set(drivername=drivername).render_as_string(hide_password=False)


def _database(name: str) -> str:
    url = make_url(os.environ["TEST_DATABASE_URL"]).set(
        drivername="postgresql+asyncpg", database=name
    )
    return url.render_as_string(hide_password=False)
