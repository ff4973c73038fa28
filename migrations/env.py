"""How Alembic reaches the database and what it compares: the schemas of our own metadata.

The URL is `config.attributes["url"]`, else `-x url=…`, else DATABASE_URL. `-x schema=…` (or the
attribute) narrows autogenerate to one module.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import context
from alembic.operations.ops import ExecuteSQLOp, MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import app.container  # registers the tables of every module
import app.shared.infrastructure.idempotency.tables  # and the kernel's
import app.shared.infrastructure.messaging.tables
import app.shared.infrastructure.scheduling.tables  # noqa: F401  # imported for its tables
from app.database import asyncpg_dsn, metadata

LOCK = 0x42756C6B
"""Advisory lock held by whoever migrates; one per database."""


def option(name: str) -> str | None:
    return context.config.attributes.get(name) or context.get_x_argument(as_dictionary=True).get(
        name
    )


def schemas() -> set[str | None]:
    if narrowed := option("schema"):
        return {narrowed}
    return {table.schema for table in metadata.tables.values()}


def include_name(name: str | None, kind: str, _: Any) -> bool:
    return kind != "schema" or name in schemas()


def include_object(thing: Any, _: str | None, kind: str, *__: Any) -> bool:
    return kind != "table" or thing.schema in schemas()


def create_missing_schema(
    migration: MigrationContext, _: Any, directives: Iterable[MigrationScript]
) -> None:
    """The first revision of a module makes its schema, and its downgrade drops it."""
    schema = option("schema")
    if schema is None or sa.inspect(migration.connection).has_schema(schema):
        return
    for script in directives:
        if script.upgrade_ops and script.downgrade_ops:
            script.upgrade_ops.ops.insert(0, ExecuteSQLOp(f"CREATE SCHEMA {schema}"))
            script.downgrade_ops.ops.append(ExecuteSQLOp(f"DROP SCHEMA {schema}"))


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table="alembic_version",
        version_table_schema="public",
        include_schemas=True,
        include_name=include_name,
        include_object=include_object,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
        process_revision_directives=create_missing_schema,
    )
    with context.begin_transaction():
        context.run_migrations()


async def lock(connection: AsyncConnection) -> None:
    """Wait by asking again: a waiting statement would hold a snapshot that concurrent index
    builds of the migrating process wait for."""
    while not await connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK))):
        await connection.rollback()
        await asyncio.sleep(0.1)
    await connection.commit()


async def main() -> None:
    url = option("url") or os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("Which database? Set DATABASE_URL, or pass -x url=postgresql://…")
    engine = create_async_engine(
        "postgresql+asyncpg://", connect_args={"dsn": asyncpg_dsn(url)}, poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await lock(connection)
            await connection.run_sync(run)
    finally:
        await engine.dispose()


asyncio.run(main())
