"""Single statements, and the reader that cannot write."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.infrastructure.statements import AsyncpgReader, Statements

INSERT = "insert into messaging.subscription values ('test.reader', 'test.event', false)"


async def test_the_reader_is_refused_by_postgresql_when_it_writes(
    reader: AsyncpgReader, statements: Statements
) -> None:
    for method in (reader.row, reader.rows, reader.value):
        with pytest.raises(DatabaseUnavailableError) as refused:
            await method(INSERT)
        assert isinstance(refused.value.__cause__, asyncpg.ReadOnlySQLTransactionError)

    assert await statements.value("select count(*) from messaging.subscription") == 0


async def test_a_statement_is_a_transaction_of_its_own(
    reader: AsyncpgReader, statements: Statements
) -> None:
    await statements.rows(INSERT)

    assert await reader.value("select count(*) from messaging.subscription") == 1


async def test_rows_are_read_by_the_names_of_their_columns(reader: AsyncpgReader) -> None:
    row = await reader.row("select $1::int as one, $2::text as other", 1, "x")
    rows = await reader.rows("select n from generate_series(1, 3) as n")

    assert row is not None
    assert {name: row[name] for name in row.keys()} == {"one": 1, "other": "x"}  # noqa: SIM118  # a record, no dict
    assert [row["n"] for row in rows] == [1, 2, 3]
    assert await reader.row("select 1 where false") is None
    assert await reader.value("select 1 where false") is None


async def test_an_unreachable_database_is_an_outage(unreachable_url: str) -> None:
    away = Statements(unreachable_url, pool_size=1, pool_timeout=1)

    with pytest.raises(DatabaseUnavailableError) as outage:
        await away.value("select 1")

    assert outage.value.retry_after == 1
    await away.close()


async def test_a_pool_in_use_is_an_outage_and_soon_over(database: str) -> None:
    narrow = Statements(database, pool_size=1, pool_timeout=60, connect_timeout=60)

    async with narrow._connection():
        narrow._pool_timeout = 0.05  # not above: opening the connection counts as well
        with pytest.raises(DatabaseUnavailableError):
            await narrow.value("select 1")

    assert await narrow.value("select 1") == 1
    await narrow.close()


async def test_a_connection_that_the_server_ended_is_replaced(
    database: str, statements: Statements
) -> None:
    others = Statements(database, pool_size=1, pool_timeout=60, connect_timeout=60)
    pid = await others.value("select pg_backend_pid()")
    await statements.value("select pg_terminate_backend($1, 60000)", pid)

    async def answers() -> bool:
        try:
            return bool(await others.value("select pg_backend_pid()") != pid)
        except DatabaseUnavailableError:
            return False

    tries = [await answers() for _ in range(3)]

    assert tries[-1]
    await others.close()


async def test_a_wrong_statement_is_a_defect_and_no_outage(statements: Statements) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await statements.value("select * from nowhere")


async def test_a_cancelled_statement_leaves_a_usable_pool(database: str) -> None:
    narrow = Statements(database, pool_size=1, pool_timeout=60, connect_timeout=60)
    await narrow.value("select 1")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await narrow.value("select pg_sleep(30)")

    assert await narrow.value("select 1") == 1
    await narrow.close()
