"""The network between the service and PostgreSQL cuts, truncates and swallows."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from tests.e2e.gateway import Gateway
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.outage.conftest import PATIENT, crowded, nothing_was_lost

SEED = 20_261_120


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    gateway = Gateway(database)
    await gateway.open()
    yield gateway
    await gateway.cut()


async def test_connections_cut_in_the_middle_of_a_message_cost_no_more_than_503s(
    start_server: StartServer, gateway: Gateway, database: str
) -> None:
    draw = random.Random(SEED)  # noqa: S311  # where to cut, not what to hide
    server = await start_server(DATABASE_URL=gateway.url, **PATIENT)

    async with crowded(server) as crowd:
        gateway.cut_in_the_middle(lambda: draw.randrange(4_000))
        await crowd.feels_it(times=20)
        gateway.cut_in_the_middle(None)

    assert set(crowd.answers) == {200, 202, 204, 503}
    await nothing_was_lost(database)


async def test_a_database_that_accepts_and_never_answers_is_waited_for_in_bounds(
    start_server: StartServer, gateway: Gateway, database: str
) -> None:
    server = await start_server(DATABASE_URL=gateway.url, **PATIENT)

    async with crowded(server) as crowd:
        gateway.swallow()
        await crowd.feels_it(times=4)
        await gateway.cut()
        await gateway.open()

    assert set(crowd.answers) == {200, 202, 204, 503}
    await nothing_was_lost(database)
