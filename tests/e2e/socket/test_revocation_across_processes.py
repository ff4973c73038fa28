"""What is revoked at one process is refused at the other, whatever becomes of the way between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from statistics import median

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.infrastructure.revocation_memory import ROOM
from app.shared.infrastructure.listening import APPLICATION_NAME
from app.shared.infrastructure.statements import Statements
from tests.e2e.gateway import Gateway
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import Server, eventually
from tests.e2e.visitor import Pair, Visitor, refused

ROUNDS = 10
FEW = 50
"""Requests that are answered before a notification has arrived, in the usual round: in one of them
the machine may stop on its way. By polling alone there would be hundreds in two seconds."""
LISTENING = "select count(*) from pg_stat_activity where datname = $1 and application_name = $2"
CUT = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = $1 and application_name = $2
"""
REVOKE_SILENTLY = """
-- As a process does that dies between its commit and its notification.
insert into auth.revocation (account_id, session_id)
select account_id, id from auth.session where id = $1
"""
END_WITHOUT_REVOCATION = "update auth.session set revoked_at = now() where id = $1"
"""As no code of ours does: only whoever asks the database can know."""
FILL = """
insert into auth.revocation (account_id, session_id)
select gen_random_uuid(), gen_random_uuid() from generate_series(1, $1::int)
"""


SMALL = {"DATABASE_STATEMENT_POOL_SIZE": "1", "DATABASE_READ_POOL_SIZE": "1"}
"""So that a process has all of its connections after its first requests."""


@pytest.fixture
async def servers(start_server: StartServer) -> tuple[Server, Server]:
    return await _two(start_server)


@pytest.fixture
def one(servers: tuple[Server, Server]) -> Visitor:
    return Visitor(servers[0].client())


@pytest.fixture
def other(servers: tuple[Server, Server]) -> Visitor:
    return Visitor(servers[1].client())


class Door:
    """Whether anybody may open a new connection to the database of the servers."""

    def __init__(self, maintenance: asyncpg.Connection[asyncpg.Record], url: str) -> None:
        self._maintenance = maintenance
        self._name = make_url(url).database

    async def close_to_listeners(self) -> None:
        """Those who listen are cut off and cannot come back; the others keep what they have."""
        await self._allow(False)
        await self._maintenance.fetchval(CUT, self._name, APPLICATION_NAME)
        await eventually(self._nobody_listens)

    async def open(self) -> None:
        await self._allow(True)

    async def listening(self) -> int:
        count: int = await self._maintenance.fetchval(LISTENING, self._name, APPLICATION_NAME)
        return count

    async def is_open_to_both(self) -> bool:
        return await self.listening() == 2

    async def _nobody_listens(self) -> bool:
        return await self.listening() == 0

    async def _allow(self, allowed: bool) -> None:
        await self._maintenance.execute(f"alter database {self._name} allow_connections {allowed}")


@pytest.fixture
async def door(
    maintenance: asyncpg.Connection[asyncpg.Record], database: str
) -> AsyncIterator[Door]:
    door = Door(maintenance, database)
    yield door
    await door.open()


async def _two(start_server: StartServer, **settings: str) -> tuple[Server, Server]:
    one, other = await asyncio.gather(
        *(start_server("--no-dispatch", **settings) for _ in range(2))
    )
    return one, other


async def _accepted_after_logout(one: Visitor, other: Visitor, pair: Pair) -> float:
    """How often the other process accepts an access token after a logout at the one, usually."""
    accepted = []
    for _ in range(ROUNDS):
        assert (await other.account(pair.access_token)).status_code == 200
        await one.log_out(refresh_token=pair.refresh_token)
        refused(await one.account(pair.access_token), 401, "session_revoked")
        accepted.append(await _asks_until_refused(other, pair))
        pair = Pair.of(await one.log_in())
    return median(accepted)


async def _asks_until_refused(visitor: Visitor, pair: Pair) -> int:
    """How often an access token is accepted before it is refused, asked as fast as can be."""
    accepted = 0
    async with asyncio.timeout(60):
        while (answer := await visitor.account(pair.access_token)).status_code == 200:
            accepted += 1
    refused(answer, 401, "session_revoked")
    return accepted


async def _is_refused_soon(visitor: Visitor, pair: Pair) -> None:
    await eventually(lambda: _is_refused(visitor, pair))
    refused(await visitor.account(pair.access_token), 401, "session_revoked")


async def _is_refused(visitor: Visitor, pair: Pair) -> bool:
    answer = await visitor.account(pair.access_token)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 401


def _is_logged(server: Server, event: str) -> Callable[[], Awaitable[bool]]:
    async def is_logged() -> bool:
        return f'"event": "{event}"' in server.log()

    return is_logged


async def test_a_logout_at_one_process_is_refused_at_the_other_after_few_requests(
    one: Visitor, other: Visitor
) -> None:
    pair = await one.newcomer()

    assert await _accepted_after_logout(one, other, pair) < FEW


async def test_a_refusal_stays_at_both(one: Visitor, other: Visitor) -> None:
    pair = await one.newcomer()
    await one.log_out(refresh_token=pair.refresh_token)
    await _is_refused_soon(other, pair)

    for visitor in (one, other) * 20:
        refused(await visitor.account(pair.access_token), 401, "session_revoked")


async def test_while_nobody_can_listen_polling_finds_it_and_then_listening_comes_back(
    start_server: StartServer, door: Door
) -> None:
    one, other = (Visitor(server.client()) for server in await _two(start_server, **SMALL))
    deaf, hearing = await one.newcomer(), Pair.of(await one.log_in())
    assert (await other.account(deaf.access_token)).status_code == 200
    await eventually(door.is_open_to_both)
    await door.close_to_listeners()

    await one.log_out(refresh_token=deaf.refresh_token)
    await _is_refused_soon(other, deaf)

    assert await door.listening() == 0
    await door.open()
    await eventually(door.is_open_to_both)
    assert await _accepted_after_logout(one, other, hearing) < FEW


async def test_what_nobody_was_told_of_is_found_by_polling(
    one: Visitor, other: Visitor, statements: Statements
) -> None:
    pair = await one.newcomer()
    assert not await _is_refused(other, pair)

    await statements.rows(REVOKE_SILENTLY, pair.session_id)

    for visitor in (one, other):
        await _is_refused_soon(visitor, pair)


async def test_a_process_that_cannot_poll_for_ten_seconds_asks_the_database_until_it_can(
    one: Visitor, other: Visitor, engine: AsyncEngine, statements: Statements
) -> None:
    ended, living = await one.newcomer(), Pair.of(await one.log_in())

    async with engine.begin() as connection:
        await connection.execute(text("lock table auth.revocation in access exclusive mode"))
        await statements.rows(END_WITHOUT_REVOCATION, ended.session_id)
        assert not await _is_refused(other, ended)
        await _is_refused_soon(other, ended)

    await statements.rows(END_WITHOUT_REVOCATION, living.session_id)

    async def is_trusted_again() -> bool:
        return not await _is_refused(other, living)

    await eventually(is_trusted_again)


async def test_while_the_database_is_away_from_one_process_nobody_is_logged_out_by_it(
    one: Visitor, start_server: StartServer, database: str
) -> None:
    gateway = Gateway(database)
    await gateway.open()
    other = Visitor((await start_server("--no-dispatch", DATABASE_URL=gateway.url)).client())
    revoked, living = await one.newcomer(), Pair.of(await one.log_in())
    for pair in (revoked, living):
        assert (await other.account(pair.access_token)).status_code == 200
    await gateway.cut()

    await one.log_out(refresh_token=revoked.refresh_token)
    away: list[httpx.Response] = []
    for ask in (other.account, other.me) * 10:
        away += [await ask(pair.access_token) for pair in (revoked, living)]

    for answer in away:
        refused(answer, 503, "database_unavailable")
    await gateway.open()
    await _is_refused_soon(other, revoked)
    assert (await other.account(living.access_token)).status_code == 200
    await gateway.cut()


async def test_more_revocations_than_a_process_has_room_for_make_it_strict_until_they_fit(
    servers: tuple[Server, Server], one: Visitor, other: Visitor, statements: Statements
) -> None:
    ended, living = await one.newcomer(), Pair.of(await one.log_in())
    await statements.rows(FILL, ROOM + 1)
    await eventually(_is_logged(servers[1], "more revocations than room"))

    await statements.rows(END_WITHOUT_REVOCATION, ended.session_id)

    assert await _is_refused(other, ended)
    assert not await _is_refused(other, living)
    await statements.rows("truncate auth.revocation")
    await eventually(_is_logged(servers[1], "room for all revocations again"))
    assert not await _is_refused(other, ended)


async def test_a_process_that_starts_later_knows_everything_before_it_is_ready(
    one: Visitor, start_server: StartServer
) -> None:
    pairs = [await one.newcomer()] + [Pair.of(await one.log_in()) for _ in range(4)]
    for pair in pairs:
        await one.log_out(refresh_token=pair.refresh_token)

    late = Visitor((await start_server("--no-dispatch")).client())

    for pair in pairs:
        refused(await late.account(pair.access_token), 401, "session_revoked")
