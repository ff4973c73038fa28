"""The last uses of API keys: noted in memory, written in one statement, to the minute."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.infrastructure.api_key_store import ApiKeyUseBuffer
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import AuthWork, StoreAccount

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def keys(auth_work: AuthWork, store_account: StoreAccount) -> list[UUID]:
    account = await store_account()
    made = [new_id() for _ in range(3)]
    async with auth_work() as work:
        for key_id in made:
            work.api_keys.add(
                ApiKey(
                    id=key_id,
                    account_id=account.id,
                    name="report",
                    kid="kid1",
                    secret_hash=bytes(32),
                    scopes=("profile:read",),
                    created_at=NOON,
                )
            )
        await work.commit()
    return made


async def last_uses(statements: Statements) -> list[datetime | None]:
    rows = await statements.rows("select last_used_at from auth.api_key order by id")
    return [row["last_used_at"] for row in rows]


async def test_a_flush_writes_the_last_use_of_each_key(
    statements: Statements, keys: list[UUID]
) -> None:
    uses = ApiKeyUseBuffer(statements)
    uses.note(keys[0], NOON)
    uses.note(keys[0], NOON + timedelta(seconds=1))
    uses.note(keys[2], NOON)
    uses.note(new_id(), NOON)

    await uses.flush()

    assert await last_uses(statements) == [NOON + timedelta(seconds=1), None, NOON]


async def test_a_use_is_written_at_most_once_a_minute_and_never_goes_back(
    statements: Statements, keys: list[UUID]
) -> None:
    uses = ApiKeyUseBuffer(statements)
    written = []
    for seconds in (0, 59, 60, -3600):
        uses.note(keys[0], NOON + timedelta(seconds=seconds))
        await uses.flush()
        written.append((await last_uses(statements))[0])

    minute = NOON + timedelta(minutes=1)
    assert written == [NOON, NOON, minute, minute]


async def test_a_key_that_somebody_holds_is_not_waited_for(
    statements: Statements, keys: list[UUID], auth_work: AuthWork
) -> None:
    uses = ApiKeyUseBuffer(statements)
    for key_id in keys:
        uses.note(key_id, NOON)

    async with auth_work() as work:
        rows = await statements.rows("select account_id from auth.api_key")
        assert await work.api_keys.locked(keys[1], of=rows[0]["account_id"])
        async with asyncio.timeout(60):
            await uses.flush()

    assert await last_uses(statements) == [NOON, None, NOON]


async def test_uses_outlive_an_outage(
    unreachable_url: str, statements: Statements, keys: list[UUID]
) -> None:
    away = Statements(unreachable_url, pool_size=1, pool_timeout=1)
    uses = ApiKeyUseBuffer(away)
    uses.note(keys[0], NOON)
    with pytest.raises(DatabaseUnavailableError):
        await uses.flush()
    await away.close()

    uses._statements = statements
    await uses.flush()

    assert await last_uses(statements) == [NOON, None, None]


async def test_without_uses_nothing_is_asked(unreachable_url: str) -> None:
    await ApiKeyUseBuffer(Statements(unreachable_url, pool_size=1, pool_timeout=1)).flush()
