"""Effects: at least once under one key, with nothing held while the other side is waited for."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import QueuePool

from app.database import create_engine
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.claiming import CLOSING, Claiming
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import NumberDrawn, Outside, caller, observer

IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'caller' AND xact_start IS NOT NULL
"""


async def hang(_: NumberDrawn) -> None:
    await asyncio.Event().wait()


async def fail(_: NumberDrawn) -> None:
    raise LookupError("somebody@example.org")


async def test_an_effect_runs_without_a_connection_or_a_transaction(
    messaging: Messaging, database: str
) -> None:
    engine = create_engine(
        database, pool_size=10, pool_timeout=60, connect_timeout=60, application_name="caller"
    )
    held: list[tuple[int, int]] = []

    async def look(_: NumberDrawn) -> None:
        assert isinstance(engine.pool, QueuePool)
        in_transaction = await messaging.statements.value(IN_TRANSACTION)
        held.append((engine.pool.checkedout(), in_transaction))

    effect = caller("lab.mail", Outside(), before=look)
    dispatcher = await messaging.dispatcher(effect, engine=engine)
    await messaging.publish(NumberDrawn(series="s", number=1))

    await dispatcher.drain()
    await engine.dispose()

    assert held == [(0, 0)]
    assert await messaging.owed() == []


async def test_an_effect_beyond_its_timeout_has_failed_and_backs_off(messaging: Messaging) -> None:
    outside = Outside()
    effect = caller("lab.mail", outside, before=hang, timeout=timedelta(milliseconds=20))
    dispatcher = await messaging.dispatcher(effect, draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))

    async with asyncio.timeout(60):
        with pytest.RaisesGroup(TimeoutError):
            await dispatcher.drain()

    assert outside.calls == []
    assert await messaging.owed() == [("lab.mail", 1, 1, False)]
    row = await messaging.statements.row(
        "SELECT last_error, extract(epoch FROM available_at - now()) AS wait"
        " FROM messaging.delivery"
    )
    assert row is not None
    assert row["last_error"].startswith("TimeoutError")
    assert 900 < row["wait"] <= 1_000


async def test_an_effect_that_failed_is_repeated_under_the_same_key_until_it_dies(
    messaging: Messaging,
) -> None:
    outside = Outside()
    failing = caller("lab.mail", outside, after=fail, max_attempts=3)
    dispatcher = await messaging.dispatcher(failing, caller("lab.hook", Outside()), draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))

    for _ in range(3):
        with pytest.RaisesGroup(LookupError):
            await dispatcher.drain()
        await messaging.make_all_due()
    await dispatcher.drain()

    event_id = await messaging.statements.value("SELECT id::text FROM messaging.event")
    assert outside.keys == [f"{event_id}:lab.mail"] * 3
    assert await messaging.owed() == [("lab.mail", 1, 3, True)]
    stored = await messaging.statements.value("SELECT last_error FROM messaging.delivery")
    assert "example.org" not in stored


async def test_an_effect_is_owed_until_it_ran(messaging: Messaging) -> None:
    """Or a process that dies before it called would have called never."""
    owed: list[tuple[str, int, int, bool]] = []

    async def look(_: NumberDrawn) -> None:
        owed.extend(await messaging.owed())

    dispatcher = await messaging.dispatcher(caller("lab.mail", Outside(), after=look))
    await messaging.publish(NumberDrawn(series="s", number=1))

    await dispatcher.drain()

    assert owed == [("lab.mail", 1, 1, False)]
    assert await messaging.owed() == []


async def test_an_effect_that_lost_its_claim_pays_for_nobody(messaging: Messaging) -> None:
    outside, called = Outside(), asyncio.Event()
    may_end = [asyncio.Event(), asyncio.Event()]

    async def wait(_: NumberDrawn) -> None:
        called.set()
        await may_end[len(outside.calls) - 1].wait()

    effect = caller("lab.mail", outside, after=wait)
    here = await messaging.dispatcher(effect)
    there = await messaging.dispatcher(effect)
    await messaging.publish(*(NumberDrawn(series="s", number=number) for number in (1, 2)))
    overtaken = await here._claiming.claim({"lab.mail": 1})
    late = asyncio.create_task(here._delivering.deliver(overtaken.deliveries))
    async with asyncio.timeout(60):
        await called.wait()
    await messaging.make_all_due()
    present = await there._claiming.claim({"lab.mail": 1})

    may_end[0].set()
    await late
    owed = await messaging.owed()
    may_end[1].set()
    await there._delivering.deliver(present.deliveries)

    assert owed == [("lab.mail", 1, 2, False), ("lab.mail", 2, 0, False)]
    assert dict(here.outcomes) == {("lab.mail", "lost"): 1}
    assert dict(there.outcomes) == {("lab.mail", "paid"): 1}
    assert await messaging.owed() == [("lab.mail", 2, 0, False)]
    assert outside.calls == [("s", 1)] * 2
    assert len(set(outside.keys)) == 1


async def test_a_hanging_effect_delays_neither_reactions_nor_other_effects(
    messaging: Messaging, seen: Seen
) -> None:
    called, outside = asyncio.Event(), Outside()

    async def count(_: NumberDrawn) -> None:
        if len(outside.calls) == 10:
            called.set()

    dispatcher = await messaging.dispatcher(
        caller("lab.hanging", Outside(), before=hang),
        caller("lab.mail", outside, after=count),
        observer("lab.first"),
        concurrency=2,
    )
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(10)))

    dispatcher.start()
    await seen.wait_for(10)
    async with asyncio.timeout(60):
        await called.wait()
    await dispatcher.stop(grace=0)

    owed = [subscriber for subscriber, *_ in await messaging.owed()]
    assert owed.count("lab.hanging") == 10
    assert sorted(outside.calls) == [(f"s{n}", 1) for n in range(10)]


async def test_no_more_calls_of_an_effect_than_the_concurrency_are_under_way(
    messaging: Messaging,
) -> None:
    under_way, most, done = 0, 0, asyncio.Event()
    outside = Outside()

    async def enter(_: NumberDrawn) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)

    async def leave(_: NumberDrawn) -> None:
        nonlocal under_way
        under_way -= 1
        if len(outside.calls) == 30:
            done.set()

    effect = caller("lab.mail", outside, before=enter, after=leave)
    dispatcher = await messaging.dispatcher(effect, concurrency=3)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(30)))

    dispatcher.start()
    async with asyncio.timeout(60):
        await done.wait()
    await dispatcher.stop()

    assert 1 < most <= 3
    assert await messaging.owed() == []


async def test_the_effects_of_a_key_come_one_after_the_other(messaging: Messaging) -> None:
    outside, done = Outside(), asyncio.Event()
    under_way: set[str] = set()

    async def enter(event: NumberDrawn) -> None:
        assert event.series not in under_way
        under_way.add(event.series)
        await asyncio.sleep(0)

    async def leave(event: NumberDrawn) -> None:
        under_way.discard(event.series)
        if len(outside.calls) == 40:
            done.set()

    effect = caller("lab.mail", outside, before=enter, after=leave)
    dispatcher = await messaging.dispatcher(effect, poll=3_600)
    await messaging.publish(*(NumberDrawn(series=f"s{n % 4}", number=n // 4) for n in range(40)))

    dispatcher.start()
    async with asyncio.timeout(60):
        await done.wait()
    await dispatcher.stop()

    numbers = defaultdict(list)
    for series, number in outside.calls:
        numbers[series].append(number)
    assert dict(numbers) == {f"s{n}": list(range(10)) for n in range(4)}
    assert await messaging.owed() == []


async def test_an_effect_cut_short_by_shutdown_is_given_back(messaging: Messaging) -> None:
    started = asyncio.Event()

    async def hang_on(_: NumberDrawn) -> None:
        started.set()
        await asyncio.Event().wait()

    dispatcher = await messaging.dispatcher(caller("lab.mail", Outside(), before=hang_on))
    await messaging.publish(NumberDrawn(series="s", number=1))
    dispatcher.start()
    async with asyncio.timeout(60):
        await started.wait()

        await dispatcher.stop(grace=0)

    assert await messaging.owed() == [("lab.mail", 1, 0, False)]
    assert await messaging.statements.value("SELECT available_at <= now() FROM messaging.delivery")


async def test_the_lease_of_an_effect_is_longer_than_its_timeout(messaging: Messaging) -> None:
    effect = caller("lab.mail", Outside(), timeout=timedelta(hours=1))
    await messaging.dispatcher(effect)
    await messaging.publish(NumberDrawn(series="s", number=1))
    before = await messaging.statements.value("SELECT clock_timestamp()")

    await Claiming(messaging.engine, EventBus([effect])).claim({"lab.mail": 1})

    row = await messaging.statements.row(
        "SELECT clock_timestamp() AS after, available_at FROM messaging.delivery"
    )
    assert row is not None
    lease = timedelta(hours=1, seconds=CLOSING)
    assert before + lease <= row["available_at"] <= row["after"] + lease
