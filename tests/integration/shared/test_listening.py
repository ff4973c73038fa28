"""A connection that only listens: it hears, and it comes back whenever it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.infrastructure import listening
from app.shared.infrastructure.listening import APPLICATION_NAME, PostgresListener
from app.shared.infrastructure.statements import Statements
from tests.conftest import PATIENCE
from tests.e2e.gateway import Gateway

CHANNEL = "test_listening"
TERMINATE = """
-- The newest, since an earlier one may just be going.
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name = $1 order by backend_start desc limit 1
"""
OPEN = """
select count(*) from pg_stat_activity where datname = current_database() and application_name = $1
"""


Listen = Callable[..., PostgresListener]


class Ear:
    """What a listener said, one after the other."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()

    def heard(self) -> None:
        self.said.put_nowait("heard")

    def resumed(self) -> None:
        self.said.put_nowait("resumed")


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def listen(ear: Ear) -> AsyncIterator[Listen]:
    """`listen(url)`: a listener that wastes no time, and is stopped at the end."""
    made: list[PostgresListener] = []

    def make(url: str, connect_timeout: float = PATIENCE) -> PostgresListener:
        listener = PostgresListener(
            url,
            CHANNEL,
            heard=ear.heard,
            resumed=ear.resumed,
            connect_timeout=connect_timeout,
            draw=lambda: 0.01,
        )
        made.append(listener)
        return listener

    yield make
    for listener in made:
        await listener.stop()


@pytest.fixture
async def gateway(database: str) -> AsyncIterator[Gateway]:
    gateway = Gateway(database)
    await gateway.open()
    yield gateway
    await gateway.cut()


async def _notify(statements: Statements) -> None:
    await statements.value("select pg_notify($1, '')", CHANNEL)


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # a line in the log sets no event
        await asyncio.sleep(0.001)


async def test_whoever_has_started_hears_every_notification(
    database: str, statements: Statements, ear: Ear, listen: Listen
) -> None:
    await listen(database).start()

    for _ in range(3):
        await _notify(statements)

        assert await ear.said.get() == "heard"


async def test_a_connection_that_was_ended_comes_back_and_says_so(
    database: str, statements: Statements, ear: Ear, listen: Listen
) -> None:
    await listen(database).start()

    with capture_logs() as told:
        for _ in range(3):
            assert await statements.value(TERMINATE, APPLICATION_NAME)
            assert await ear.said.get() == "resumed"
            await _notify(statements)
            assert await ear.said.get() == "heard"

    assert [each["event"] for each in told] == ["not listening", "listening again"] * 3


async def test_it_comes_back_after_an_outage(
    gateway: Gateway, statements: Statements, ear: Ear, listen: Listen
) -> None:
    await listen(gateway.url).start()

    with capture_logs() as told:
        await gateway.cut()
        await _until(lambda: len(told) >= 4)  # it has tried more than once
        await gateway.open()
        assert await ear.said.get() == "resumed"

    await _notify(statements)
    assert await ear.said.get() == "heard"
    assert [each["event"] for each in told if each["log_level"] != "debug"] == [
        "not listening",
        "listening again",
    ]


async def test_a_connection_that_has_died_without_a_word_is_noticed(
    gateway: Gateway,
    ear: Ear,
    listen: Listen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "_SILENCE", 0.01)
    listener = listen(gateway.url, connect_timeout=0.5)

    with capture_logs() as told:
        while not await _has_started(listener):
            pass
        gateway.swallow()
        await _until(lambda: "not listening" in [each["event"] for each in told])
        await gateway.cut()
        await gateway.open()

        assert await ear.said.get() == "resumed"


async def _has_started(listener: PostgresListener) -> bool:
    """Not where a busy machine took longer to connect than it may."""
    with suppress(DatabaseUnavailableError):
        await listener.start()
        return True
    return False


async def test_a_quiet_connection_that_lives_is_kept(
    database: str,
    statements: Statements,
    ear: Ear,
    listen: Listen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "_SILENCE", 0.001)
    await listen(database).start()

    for _ in range(20):
        await _notify(statements)
        assert await ear.said.get() == "heard"


async def test_without_the_database_it_does_not_start(unreachable_url: str, listen: Listen) -> None:
    with pytest.raises(DatabaseUnavailableError):
        await listen(unreachable_url).start()


async def test_whoever_stops_leaves_no_connection(
    database: str, statements: Statements, listen: Listen
) -> None:
    listener = listen(database)
    await listener.start()
    assert await statements.value(OPEN, APPLICATION_NAME)

    await listener.stop()

    async with asyncio.timeout(60):
        while await statements.value(OPEN, APPLICATION_NAME):  # noqa: ASYNC110  # PostgreSQL's books
            await asyncio.sleep(0.01)


async def test_whoever_stops_while_it_is_away_stops_at_once(
    gateway: Gateway, listen: Listen
) -> None:
    listener = listen(gateway.url)
    await listener.start()
    await gateway.cut()

    async with asyncio.timeout(PATIENCE / 2):
        await listener.stop()
