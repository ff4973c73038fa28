"""Evidence: noted in memory, stored in one statement, never backwards."""

from __future__ import annotations

import asyncio

import pytest

from app.modules.auth.infrastructure.evidence_buffer import EvidenceBuffer
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import AuthWork, StoreAccount, StoreSession

_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def _confirmed(statements: Statements) -> list[int]:
    rows = await statements.rows("select confirmed_generation from auth.session order by id")
    return [row["confirmed_generation"] for row in rows]


async def test_a_flush_stores_the_latest_generation_of_each_session(
    statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    account = await store_account()
    sessions = [await store_session(account) for _ in range(3)]
    await statements.rows("update auth.session set generation = 5")
    evidence = EvidenceBuffer(statements)
    evidence.note(sessions[0].id, 3)
    evidence.note(sessions[0].id, 2)
    evidence.note(sessions[2].id, 5)

    await evidence.flush()

    assert await _confirmed(statements) == [3, 0, 5]


async def test_stored_evidence_is_never_taken_back(
    statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    session = await store_session(await store_account())
    await statements.rows("update auth.session set generation = 5, confirmed_generation = 4")
    evidence = EvidenceBuffer(statements)
    evidence.note(session.id, 3)

    await evidence.flush()

    assert await _confirmed(statements) == [4]


async def test_a_generation_that_a_session_never_had_is_not_stored(
    statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    session = await store_session(await store_account())
    evidence = EvidenceBuffer(statements)
    evidence.note(session.id, 9)
    evidence.note(new_id(), 1)

    await evidence.flush()

    assert await _confirmed(statements) == [0]


async def test_evidence_is_known_before_and_after_it_is_stored(
    statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    session = await store_session(await store_account())
    evidence = EvidenceBuffer(statements)
    evidence.note(session.id, 1)
    before = evidence.latest(session.id)

    await evidence.flush()

    assert (before, evidence.latest(session.id)) == (1, 1)
    assert evidence.latest(new_id()) == 0


async def test_what_was_stored_is_not_stored_again(
    statements: Statements, store_account: StoreAccount, store_session: StoreSession
) -> None:
    session = await store_session(await store_account())
    evidence = EvidenceBuffer(statements)
    evidence.note(session.id, 1)
    await evidence.flush()
    await statements.rows("update auth.session set confirmed_generation = 0")

    evidence.note(session.id, 1)
    await evidence.flush()

    assert await _confirmed(statements) == [0]


async def test_evidence_outlives_an_outage(unreachable_url: str) -> None:
    away = Statements(unreachable_url, pool_size=1, pool_timeout=1)
    evidence = EvidenceBuffer(away)
    session_id = new_id()
    evidence.note(session_id, 2)

    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            await evidence.flush()

    assert evidence.latest(session_id) == 2
    await away.close()


async def test_without_evidence_nothing_is_asked(unreachable_url: str) -> None:
    await EvidenceBuffer(Statements(unreachable_url, pool_size=1, pool_timeout=1)).flush()


async def test_a_flush_waits_for_whoever_ends_the_same_sessions_one_by_one(
    auth_work: AuthWork,
    statements: Statements,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    account = await store_account()
    first, second = [await store_session(account) for _ in range(2)]
    await statements.rows("update auth.session set label = 'moved' where id = $1", first.id)
    evidence = EvidenceBuffer(statements)
    for session in (second, first):
        evidence.note(session.id, 1)

    async with auth_work() as work:
        assert await work.sessions.locked(first.id)
        flush = asyncio.create_task(evidence.flush())
        while not await statements.value(_WAITING):
            pass
        assert await work.sessions.locked(second.id)
    await flush

    assert await _confirmed(statements) == [1, 1]
