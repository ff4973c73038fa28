"""When the database is away: honest answers, and recovery without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.gateway import Gateway
from tests.e2e.resigning import forged
from tests.e2e.visitor import Visitor, refused

_TERMINATE = """
select coalesce(array_agg(pid) filter (where pg_terminate_backend(pid)), '{}')
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
_LEFT = "select count(*) from pg_stat_activity where pid = any($1)"


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    gateway = Gateway(database)
    await gateway.open()
    yield gateway
    await gateway.cut()


async def test_while_the_database_is_away_the_service_says_so_and_then_goes_on(
    serve: Serve, gateway: Gateway
) -> None:
    async with serve(database_={"url": SecretStr(gateway.url)}) as visitor:
        pair = await visitor.newcomer()
        await visitor.me(pair.access_token)
        assert (await visitor.client.get("/health/ready")).json() == {"status": "ready"}
        await gateway.cut()

        assert (await visitor.client.get("/health/live")).json() == {"status": "live"}
        refused(await visitor.client.get("/health/ready"), 503, "not_ready")
        refused(await visitor.register("bob@example.com"), 503, "database_unavailable")
        refused(await visitor.log_in(), 503, "database_unavailable")
        refused(await visitor.refresh(pair.refresh_token), 503, "database_unavailable")
        refused(
            await visitor.log_out(refresh_token=pair.refresh_token), 503, "database_unavailable"
        )
        refused(await visitor.account(pair.access_token), 503, "database_unavailable")
        refused(await visitor.me(pair.access_token), 503, "database_unavailable")
        refused(await visitor.edit(pair.access_token, {"bio": "x"}), 503, "database_unavailable")

        await gateway.open()
        assert (await visitor.client.get("/health/ready")).status_code == 200
        assert (await visitor.rotated(pair.refresh_token)).generation == 2
        assert (await visitor.me(pair.access_token)).status_code == 200


async def test_bad_tokens_are_refused_without_the_database(
    serve: Serve, gateway: Gateway, tmp_path: Path
) -> None:
    async with serve(database_={"url": SecretStr(gateway.url)}) as visitor:
        pair = await visitor.newcomer()
        await gateway.cut()

        refused(await visitor.refresh(forged(pair.refresh_token)), 401, "token_invalid")
        refused(await visitor.account(forged(pair.access_token)), 401, "token_invalid")
        assert (await visitor.log_out(refresh_token="nonsense")).status_code == 204


async def test_strict_revocation_admits_nobody_while_it_cannot_be_checked(
    serve: Serve, gateway: Gateway
) -> None:
    settings = {"database_": {"url": SecretStr(gateway.url)}, "auth": {"strict_revocation": True}}
    async with serve(**settings) as visitor:
        pair = await visitor.newcomer()
        await gateway.cut()

        answer = await visitor.account(pair.access_token)

    refused(answer, 503, "database_unavailable")


async def test_terminated_connections_cost_no_more_than_a_503(
    serve: Serve, statements: Statements
) -> None:
    async with serve() as visitor:
        pair = await visitor.newcomer()
        await visitor.me(pair.access_token)
        away = asyncio.Event()
        terminated: list[int] = []

        async def go_on(ask: Callable[[], Awaitable[httpx.Response]]) -> list[httpx.Response]:
            answers = []
            while not away.is_set():
                answers.append(await ask())
            return answers

        tasks = [
            asyncio.create_task(go_on(ask))
            for ask in _requests(visitor, pair.access_token, pair.refresh_token)
            for _ in range(3)
        ]
        for _ in range(10):
            await _rounds_of(visitor)
            terminated += await statements.value(_TERMINATE)
        while await statements.value(_LEFT, terminated):
            await _rounds_of(visitor)
        away.set()
        answers = [answer for task in tasks for answer in await task]

        for answer in answers:
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) >= 1
        assert {200, 202, 503} <= {answer.status_code for answer in answers}
        assert not [answer for answer in answers if answer.status_code == 401]
        assert (await visitor.log_in()).status_code == 200
        assert (await visitor.register("after@example.com")).status_code == 202
        assert (await visitor.me(pair.access_token)).status_code == 200


def _requests(
    visitor: Visitor, access_token: str, refresh_token: str
) -> list[Callable[[], Awaitable[httpx.Response]]]:
    return [
        visitor.log_in,
        visitor.register,
        lambda: visitor.refresh(refresh_token),
        lambda: visitor.account(access_token),
        lambda: visitor.edit(access_token, {"bio": "x"}, if_match="*"),
    ]


async def _rounds_of(visitor: Visitor) -> None:
    """Let the other requests go on for a while: as long as twenty answers take."""
    for _ in range(20):
        await visitor.client.get("/health/live")
