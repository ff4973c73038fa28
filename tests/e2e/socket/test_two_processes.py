"""Two server processes on one database: what one of them ends is over for the other."""

from __future__ import annotations

import asyncio

from app.shared.infrastructure.statements import Statements
from tests.e2e.passing_time import GRACE, StoredSessions
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import eventually
from tests.e2e.visitor import Pair, Visitor, refused


async def _two(start_server: StartServer, **settings: str) -> tuple[Visitor, Visitor]:
    servers = await asyncio.gather(start_server(**settings), start_server(**settings))
    one, other = (Visitor(server.client()) for server in servers)
    return one, other


async def test_a_strict_process_sees_the_logout_of_another_at_once(
    start_server: StartServer,
) -> None:
    one, other = await _two(start_server, AUTH_STRICT_REVOCATION="true")
    pair = await one.newcomer()

    for _ in range(10):
        assert (await other.account(pair.access_token)).status_code == 200
        await one.log_out(refresh_token=pair.refresh_token)
        refused(await other.account(pair.access_token), 401, "session_revoked")
        refused(await other.refresh(pair.refresh_token), 401, "session_revoked")
        pair = Pair.of(await one.log_in())


async def test_a_receipt_that_one_process_noted_convicts_the_thief_at_the_other(
    start_server: StartServer, stored: StoredSessions, statements: Statements
) -> None:
    one, other = await _two(start_server)
    first = await one.newcomer()
    second = await one.rotated(first.refresh_token)
    await one.account(second.access_token)

    async def is_stored() -> bool:
        return bool((await stored.row(first.session_id))["confirmed_generation"] == 2)

    await eventually(is_stored)
    await stored.let_pass(GRACE + 1)

    answer = await other.refresh(first.refresh_token)

    refused(answer, 401, "token_reused")


async def test_simultaneous_refreshes_at_both_get_one_successor(
    start_server: StartServer, stored: StoredSessions
) -> None:
    one, other = await _two(start_server)
    pair = await one.newcomer()

    answers = await asyncio.gather(
        *(visitor.refresh(pair.refresh_token) for visitor in (one, other) for _ in range(50))
    )

    assert len({Pair.of(answer).refresh_token for answer in answers}) == 1
    assert (await stored.row(pair.session_id))["generation"] == 2


async def test_either_delivers_what_was_registered_at_the_other(
    start_server: StartServer,
) -> None:
    silent, delivering = await asyncio.gather(
        start_server(EVENTS_DISPATCH="false"), start_server(EVENTS_POLL="0.2")
    )
    pair = await Visitor(silent.client()).newcomer()

    visitor = Visitor(delivering.client())

    async def has_a_profile() -> bool:
        return (await visitor.me(pair.access_token)).status_code == 200

    await eventually(has_a_profile)
