"""What DATABASE_URL may say beside the host, as those write it who rent out PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import make_url, text

from app.database import create_engine
from app.shared.infrastructure.migrating import migrate
from app.shared.infrastructure.statements import Statements

SHOW = "select current_database() || ' for ' || current_setting('application_name')"


def with_query(url: str, query: str) -> str:
    return f"{url}&{query}" if make_url(url).query else f"{url}?{query}"


@pytest.mark.parametrize(
    "query", ["sslmode=prefer", "sslmode=disable&application_name=theirs", "search_path=public"]
)
async def test_both_pools_take_the_options_of_libpq_in_the_url(
    query: str, database_url: str
) -> None:
    url = with_query(database_url, query)
    engine = create_engine(url, pool_size=1, pool_timeout=60, connect_timeout=60)
    statements = Statements(url, pool_size=1, pool_timeout=60, connect_timeout=60)

    async with engine.connect() as connection:
        mapped = await connection.scalar(text(SHOW))
    single = await statements.value(SHOW)

    assert mapped == single == f"{make_url(database_url).database} for app"
    await engine.dispose()
    await statements.close()


async def test_migrations_take_them_too(blank_database_url: str) -> None:
    await asyncio.to_thread(migrate, with_query(blank_database_url, "sslmode=prefer"))
