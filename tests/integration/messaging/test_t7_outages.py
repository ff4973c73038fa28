"""T7: the database goes away under the dispatcher, again and again, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from app.database import create_engine
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.outages import is_outage
from app.shared.infrastructure.statements import Statements
from tests.e2e.gateway import Gateway
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import SCHEMA, Notebook, NumberDrawn, observer
from tests.own_postgres import OwnPostgres, own_postgres

SUBSCRIBERS = ("lab.first", "lab.second")
KEYS = 5
TERMINATIONS = 20
PAUSE = 0.3
"""Seconds between two of them, and of an outage."""
PUBLISHED = 10
"""Events of each key, at the least, that are stored meanwhile."""

TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'victim'
"""


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with own_postgres() as postgres:
        await postgres.execute(SCHEMA)
        yield postgres


@pytest.fixture
async def victim(postgres: OwnPostgres) -> AsyncIterator[Messaging]:
    """Messaging whose connections are the ones that are terminated."""
    codec = EventCodec([NumberDrawn])
    engine = create_engine(
        postgres.url, pool_size=10, pool_timeout=60, connect_timeout=60, application_name="victim"
    )
    statements = Statements(postgres.url, pool_size=1, pool_timeout=60, connect_timeout=60)
    yield Messaging(engine, statements, codec, EventLog(codec), Bell())
    await statements.close()
    await engine.dispose()


async def test_terminated_backends_and_a_restart_lose_nothing(
    victim: Messaging, postgres: OwnPostgres
) -> None:
    dispatcher = await victim.dispatcher(*map(observer, SUBSCRIBERS), poll=0.5)
    dispatcher.start()
    over = asyncio.Event()
    confirmed: dict[str, list[int]] = {f"s{n}": [] for n in range(KEYS)}
    publishing = [
        asyncio.create_task(_publish_until(over, victim, key, numbers))
        for key, numbers in confirmed.items()
    ]

    terminations = 0
    while terminations < TERMINATIONS or min(map(len, confirmed.values())) < PUBLISHED:
        await asyncio.sleep(PAUSE)
        await postgres.value(TERMINATE)
        terminations += 1
    await postgres.stop()
    await postgres.start()
    over.set()
    await asyncio.gather(*publishing)

    await _nothing_is_owed(victim)
    stored = _by_key(await _stored(victim))
    for subscriber in SUBSCRIBERS:
        assert _by_key(await victim.seen(subscriber)) == stored
    for key, numbers in confirmed.items():
        assert set(numbers) <= set(stored[key])
    assert dispatcher.alive
    await dispatcher.stop()


async def test_outages_make_no_dead_letter(messaging: Messaging, seen: Seen) -> None:
    outages = 0

    async def lose_the_connection(_: NumberDrawn, notebook: Notebook) -> None:
        nonlocal outages
        if outages < 10:
            outages += 1
            connection = await notebook.session.connection()
            pid = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar()
            await messaging.statements.value("SELECT pg_terminate_backend($1)", pid)

    subscriber = observer("lab.first", before=lose_the_connection, max_attempts=3)
    dispatcher = await messaging.dispatcher(subscriber, poll=0.05)
    dispatcher.start()
    await messaging.publish(NumberDrawn(series="s", number=1))

    await seen.wait_for(1)
    await dispatcher.stop()

    assert outages == 10
    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.owed() == []


async def test_an_outage_that_outlasts_its_delivery_costs_no_attempt_either(
    messaging: Messaging, database: str, seen: Seen
) -> None:
    gateway = Gateway(database)
    await gateway.open()
    engine = create_engine(gateway.url, pool_size=10, pool_timeout=60, connect_timeout=60)
    outages: list[asyncio.Task[None]] = []

    async def end_outage() -> None:
        await asyncio.sleep(PAUSE)
        await gateway.open()

    async def lose_the_database(*_: object) -> None:
        if len(outages) < 4:
            await gateway.cut()
            outages.append(asyncio.create_task(end_outage()))

    subscriber = observer("lab.first", before=lose_the_database, max_attempts=2)
    dispatcher = await messaging.dispatcher(subscriber, poll=0.05, engine=engine)
    dispatcher.start()
    await messaging.publish(NumberDrawn(series="s", number=1))

    await seen.wait_for(1)
    await dispatcher.stop()
    await engine.dispose()
    await gateway.cut()

    assert len(outages) == 4
    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.owed() == []


async def _publish_until(
    over: asyncio.Event, messaging: Messaging, key: str, confirmed: list[int]
) -> None:
    """Adds the numbers that were certainly stored; of the others nobody knows."""
    number = 0
    while not over.is_set():
        number += 1
        try:
            await messaging.publish(NumberDrawn(series=key, number=number))
        except Exception as error:
            if not is_outage(error):
                raise
        else:
            confirmed.append(number)
        await asyncio.sleep(0.02)


async def _nothing_is_owed(messaging: Messaging) -> None:
    async with asyncio.timeout(120):
        while await messaging.owed():  # noqa: ASYNC110  # the database sets no event of ours
            await asyncio.sleep(0.05)


async def _stored(messaging: Messaging) -> list[tuple[str, int]]:
    rows = await messaging.statements.rows(
        "SELECT key, (payload->>'number')::int AS number FROM messaging.event ORDER BY position"
    )
    return [(row["key"], row["number"]) for row in rows]


def _by_key(facts: list[tuple[str, int]]) -> dict[str, list[int]]:
    numbers = defaultdict(list)
    for key, number in facts:
        numbers[key].append(number)
    return dict(numbers)
