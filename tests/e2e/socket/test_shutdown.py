"""SIGTERM: nobody who was let in is turned away."""

from __future__ import annotations

import asyncio
import signal

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.infrastructure.statements import Statements
from tests.e2e.passing_time import StoredSessions
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import Server, eventually
from tests.e2e.visitor import Visitor, refused

SLOW_HASH = {
    "AUTH_PASSWORD_MEMORY_KIB": "65536",
    "AUTH_PASSWORD_TIME_COST": "6",
    "AUTH_PASSWORD_THREADS": "1",
}
"""A quarter of a second and more for every login, known address or not."""

WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'auth.account'::regclass AND NOT granted"
TWENTY_POLLS = "SELECT pg_sleep(1)"
OWE = """
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, payload, meta, occurred_at)
    SELECT id, 'auth.account_registered', 1, jsonb_build_object('account_id', id), '{}', now()
    FROM gen_random_uuid() AS id
    RETURNING position
)
INSERT INTO messaging.delivery (position, subscriber, strict)
SELECT position, 'users.create_profile', false FROM stored
"""


async def test_a_login_that_is_hashing_is_answered_before_the_end(
    start_server: StartServer,
) -> None:
    server = await start_server(**SLOW_HASH)
    login = await _login_under_way(server)

    server.process.send_signal(signal.SIGTERM)
    answer = await login

    refused(answer, 401, "invalid_credentials")
    assert await server.ended() in (0, -signal.SIGTERM)
    assert "Finished server process" in server.log()
    assert '"exception"' not in server.log()


async def test_a_server_that_still_answers_takes_on_no_more_deliveries(
    start_server: StartServer, statements: Statements, engine: AsyncEngine
) -> None:
    server = await start_server(EVENTS_POLL="0.05")
    async with engine.connect() as connection:
        await connection.exec_driver_sql("LOCK TABLE auth.account")
        login = asyncio.create_task(Visitor(server.client()).log_in())
        await eventually(lambda: _waits(statements))

        server.process.send_signal(signal.SIGTERM)
        await eventually(lambda: _is_shutting_down(server))
        await statements.rows(OWE)
        await statements.rows(TWENTY_POLLS)
        answered_before = login.done()
    refused(await login, 401, "invalid_credentials")
    await server.ended()

    assert not answered_before
    assert await statements.value("SELECT attempts FROM messaging.delivery") == 0


async def test_what_the_process_had_noted_is_stored_at_its_end(
    start_server: StartServer, stored: StoredSessions
) -> None:
    server = await start_server()
    visitor = Visitor(server.client())
    first = await visitor.newcomer()
    second = await visitor.rotated(first.refresh_token)
    assert (await visitor.account(second.access_token)).status_code == 200

    await server.stop()

    assert (await stored.row(first.session_id))["confirmed_generation"] == 2


async def _login_under_way(server: Server) -> asyncio.Task[httpx.Response]:
    """One that has begun, and that had not ended when it was last looked at."""
    visitor = Visitor(server.client())
    while True:
        login = asyncio.create_task(visitor.log_in())
        # Its own connection, opened after the login was sent: this answered, that has begun.
        assert (await server.client().get("/health/ready")).status_code == 200
        if not login.done():
            return login


async def _waits(statements: Statements) -> bool:
    return bool(await statements.value(WAITING))


async def _is_shutting_down(server: Server) -> bool:
    return "Shutting down" in server.log()
