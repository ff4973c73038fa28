"""A connection that only listens: it hears, and it comes back whenever it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from structlog.testing import capture_logs

from app.shared.infrastructure import listening
from app.shared.infrastructure.listening import APPLICATION_NAME, PostgresListener
from app.shared.infrastructure.outages import DatabaseUnavailableError
from app.shared.infrastructure.statements import Statements
from tests.e2e.gateway import Gateway

CHANNEL = "test_listening"
TERMINATE = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and application_name = $1
"""
OPEN = """
select count(*) from pg_stat_activity where datname = current_database() and application_name = $1
"""


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
async def listen(ear: Ear) -> AsyncIterator[Callable[[str], PostgresListener]]:
    """`listen(url)`: a listener that wastes no time, and is stopped at the end."""
    made: list[PostgresListener] = []

    def make(url: str) -> PostgresListener:
        listener = PostgresListener(
            url,
            CHANNEL,
            heard=ear.heard,
            resumed=ear.resumed,
            connect_timeout=0.5,
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
    database: str, statements: Statements, ear: Ear, listen: Callable[[str], PostgresListener]
) -> None:
    await listen(database).start()

    for _ in range(3):
        await _notify(statements)

        assert await ear.said.get() == "heard"


async def test_a_connection_that_was_ended_comes_back_and_says_so(
    database: str, statements: Statements, ear: Ear, listen: Callable[[str], PostgresListener]
) -> None:
    await listen(database).start()

    with capture_logs() as told:
        for _ in range(3):
            assert await statements.value(TERMINATE, APPLICATION_NAME) == 1
            assert await ear.said.get() == "resumed"
            await _notify(statements)
            assert await ear.said.get() == "heard"

    assert [each["event"] for each in told] == ["not listening", "listening again"] * 3


async def test_it_comes_back_after_an_outage(
    gateway: Gateway, statements: Statements, ear: Ear, listen: Callable[[str], PostgresListener]
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
    listen: Callable[[str], PostgresListener],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "_SILENCE", 0.01)
    await listen(gateway.url).start()
    gateway.swallow()

    with capture_logs() as told:
        await _until(lambda: "not listening" in [each["event"] for each in told])
        await gateway.cut()
        await gateway.open()

        assert await ear.said.get() == "resumed"


async def test_a_quiet_connection_that_lives_is_kept(
    database: str,
    statements: Statements,
    ear: Ear,
    listen: Callable[[str], PostgresListener],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "_SILENCE", 0.001)
    await listen(database).start()

    for _ in range(20):
        await _notify(statements)
        assert await ear.said.get() == "heard"


async def test_without_the_database_it_does_not_start(
    unreachable_url: str, listen: Callable[[str], PostgresListener]
) -> None:
    with pytest.raises(DatabaseUnavailableError):
        await listen(unreachable_url).start()


async def test_whoever_stops_leaves_no_connection(
    database: str, statements: Statements, listen: Callable[[str], PostgresListener]
) -> None:
    listener = listen(database)
    await listener.start()
    assert await statements.value(OPEN, APPLICATION_NAME) == 1

    await listener.stop()

    async with asyncio.timeout(10):
        while await statements.value(OPEN, APPLICATION_NAME):  # noqa: ASYNC110  # PostgreSQL's books
            await asyncio.sleep(0.01)


async def test_whoever_stops_while_it_is_away_stops_at_once(
    gateway: Gateway, listen: Callable[[str], PostgresListener]
) -> None:
    listener = listen(gateway.url)
    await listener.start()
    await gateway.cut()

    await listener.stop()
