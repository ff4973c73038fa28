"""T9: a handler slower than its lease, beside a second process, runs once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import create_engine
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer


class Slow:
    """Stays in its handler until it may end, at the latest when the test does."""

    def __init__(self) -> None:
        self.runs = 0
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, event: NumberDrawn, *_: object) -> None:
        if event.series == "slow":
            self.runs += 1
            self.started.set()
            await self.may_end.wait()


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.may_end.set()


@pytest.fixture
async def other_engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database, pool_size=10, pool_timeout=5)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("batch", [1, 5])
async def test_a_reaction_slower_than_its_lease_runs_once(
    messaging: Messaging, other_engine: AsyncEngine, slow: Slow, batch: int
) -> None:
    subscriber = observer("lab.first", before=slow, batch=batch)
    here = await messaging.dispatcher(subscriber)
    there = await messaging.dispatcher(subscriber, engine=other_engine)
    await messaging.publish(NumberDrawn(series="slow", number=1))
    claim = await here._claiming.claim({"lab.first": 5})
    await messaging.make_all_due()  # the lease has run out
    running = asyncio.create_task(here._delivering.deliver(claim.deliveries))
    await slow.started.wait()
    await messaging.publish(*(NumberDrawn(series="slow", number=n) for n in (2, 3)))
    await messaging.publish(NumberDrawn(series="quick", number=1))

    async with asyncio.timeout(5):
        await there.drain()
    meanwhile = await messaging.seen("lab.first")
    slow.may_end.set()
    await running
    await there.drain()

    assert meanwhile == [("quick", 1)]
    assert slow.runs == 3
    assert await messaging.seen("lab.first") == [
        ("quick", 1),
        *(("slow", number) for number in (1, 2, 3)),
    ]
    assert await messaging.owed() == []


async def test_a_claim_that_was_overtaken_does_not_wait_for_who_has_it(
    messaging: Messaging, other_engine: AsyncEngine, slow: Slow
) -> None:
    subscriber = observer("lab.first", before=slow)
    here = await messaging.dispatcher(subscriber)
    there = await messaging.dispatcher(subscriber, engine=other_engine)
    await messaging.publish(NumberDrawn(series="slow", number=1))
    late = await there._claiming.claim({"lab.first": 1})
    await messaging.make_all_due()
    claim = await here._claiming.claim({"lab.first": 1})
    running = asyncio.create_task(here._delivering.deliver(claim.deliveries))
    await slow.started.wait()

    async with asyncio.timeout(5):
        await there._delivering.deliver(late.deliveries)
    slow.may_end.set()
    await running

    assert slow.runs == 1
    assert there.outcomes["lab.first", "lost"] == 1
    assert await messaging.seen("lab.first") == [("slow", 1)]
