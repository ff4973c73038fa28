"""What a process does is said on its command line; any number of each share one PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.conftest import RunCommand, StartCommand, StartServer
from tests.e2e.socket.server import Running, eventually
from tests.e2e.visitor import Visitor, refused

OWED = "SELECT count(*) FROM messaging.delivery WHERE subscriber = 'users.create_profile'"
PROFILES = "SELECT count(*) FROM users.profile"
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'users.profile'::regclass AND NOT granted"
STORE = """
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT id, 'auth.account_registered', 1, id, jsonb_build_object('account_id', id), '{}', now()
    FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $1)) AS account
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict)
SELECT position, 'users.create_profile', key, false FROM stored
"""


async def test_what_a_server_without_dispatcher_owes_is_paid_by_a_worker(
    start_server: StartServer, start_command: StartCommand, statements: Statements
) -> None:
    server = await start_server("--no-dispatch", EVENTS_DISPATCH="true")
    visitor = Visitor(server.client())
    pair = await visitor.newcomer()
    refused(await visitor.me_at_once(pair.access_token), 503, "profile_pending")
    owed = await statements.value(OWED)

    start_command("worker", EVENTS_POLL="0.2")

    assert owed == 1
    await eventually(lambda: _is(statements, OWED, 0))
    assert (await visitor.me(pair.access_token)).status_code == 200
    second = await visitor.newcomer("bob@example.com")
    assert (await visitor.me(second.access_token)).status_code == 200


async def test_a_server_told_to_dispatch_does_whatever_the_environment_says(
    start_server: StartServer,
) -> None:
    server = await start_server("--dispatch", EVENTS_DISPATCH="false")

    await Visitor(server.client()).member()


@pytest.mark.parametrize("way", [("--workers", "2"), ("--reload",)], ids=["workers", "reload"])
async def test_the_role_reaches_the_processes_that_serve(
    start_server: StartServer, statements: Statements, way: tuple[str, ...]
) -> None:
    server = await start_server("--no-dispatch", *way, EVENTS_POLL="0.1")
    visitor = Visitor(server.client())
    pair = await visitor.newcomer()

    refused(await visitor.me_at_once(pair.access_token), 503, "profile_pending")

    assert await statements.value(OWED) == 1


async def test_two_servers_and_two_workers_share_what_is_owed(
    start_server: StartServer,
    start_command: StartCommand,
    statements: Statements,
    engine: AsyncEngine,
) -> None:
    one_at_once = {"EVENTS_CONCURRENCY": "1", "EVENTS_POLL": "0.1"}
    await asyncio.gather(*(start_server(**one_at_once) for _ in range(2)))
    for _ in range(2):
        start_command("worker", **one_at_once)

    async with engine.connect() as connection:
        await connection.exec_driver_sql("LOCK TABLE users.profile")
        await statements.rows(STORE, 500)
        await eventually(lambda: _is(statements, WAITING, 4))

    await eventually(lambda: _is(statements, OWED, 0))
    assert await statements.value(PROFILES) == 500


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_told_to_end_ends_well(
    start_command: StartCommand, number: signal.Signals
) -> None:
    worker = start_command("worker")
    await eventually(lambda: _delivers(worker))

    worker.process.send_signal(number)

    assert await worker.ended() == 0
    assert '"exception"' not in worker.log()


async def test_a_worker_that_is_told_twice_ends_at_once(
    start_command: StartCommand, statements: Statements, engine: AsyncEngine
) -> None:
    worker = start_command("worker", EVENTS_POLL="0.1")
    await eventually(lambda: _delivers(worker))
    async with engine.connect() as connection:
        await connection.exec_driver_sql("LOCK TABLE users.profile")
        await statements.rows(STORE, 1)
        await eventually(lambda: _is(statements, WAITING, 1))

        worker.process.send_signal(signal.SIGTERM)
        await eventually(lambda: _ends(worker))
        worker.process.send_signal(signal.SIGTERM)
        code = await worker.ended()

    assert code == -signal.SIGTERM
    assert await statements.value(OWED) == 1


async def test_a_worker_takes_as_many_at_once_as_it_is_told(start_command: StartCommand) -> None:
    worker = start_command("worker", "--concurrency", "3", EVENTS_CONCURRENCY="5")

    await eventually(lambda: _delivers(worker))

    [line] = [entry for entry in _entries(worker) if entry["event"] == "worker delivers events"]
    assert (line["concurrency"], line["loop"]) == (3, "uvloop")


async def test_more_at_once_than_the_pool_can_bear_is_one_line(run_command: RunCommand) -> None:
    ended = await run_command("worker", "--concurrency", "9")

    assert ended.returncode == 1
    assert ended.stderr == (
        "app: DATABASE_POOL_SIZE, 10, is less than EVENTS_CONCURRENCY plus 2, 11\n"
    )


async def _is(statements: Statements, count: str, expected: int) -> bool:
    return bool(await statements.value(count) == expected)


async def _delivers(*workers: Running) -> bool:
    return all('"worker delivers events"' in worker.log() for worker in workers)


async def _ends(worker: Running) -> bool:
    return '"worker ends"' in worker.log()


def _entries(command: Running) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command.log().splitlines() if line.startswith("{")]
