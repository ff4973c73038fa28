"""What a process claims ahead of its turn costs nobody an attempt, nor an idle process its work."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, Outside, caller, observer

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class Gate:
    """Handlers stay before it until it is open."""

    def __init__(self) -> None:
        self._arrivals = asyncio.Semaphore(0)
        self.open = asyncio.Event()

    async def reached(self) -> None:
        """By one more."""
        await self._arrivals.acquire()

    async def __call__(self, *_: object) -> None:
        self._arrivals.release()
        await self.open.wait()


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_two_processes_share_a_backlog_of_slow_handlers(
    messaging: Messaging, gate: Gate
) -> None:
    slow = await messaging.dispatcher(observer("lab.first", before=gate), concurrency=2)
    idle = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(10)))
    slow.start()
    for _ in range(2):
        await gate.reached()

    await idle.drain()
    meanwhile = await messaging.seen("lab.first")
    gate.open.set()
    await slow.stop()

    assert len(meanwhile) == 8
    assert sorted(await messaging.seen("lab.first")) == [(f"s{n}", 1) for n in range(10)]
    assert await messaging.owed() == []


async def test_what_waited_too_long_for_its_turn_is_given_back_with_its_attempt(
    messaging: Messaging, gate: Gate
) -> None:
    slow = await messaging.dispatcher(observer("lab.first", before=gate), concurrency=1)
    idle = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(5)))
    claim = await slow._claiming.claim({"lab.first": 5})
    slow._workload.take(claim.deliveries)
    await gate.reached()

    await slow._give_back(waiting=0.0)
    given_back = await messaging.owed()
    await idle.drain()
    gate.open.set()
    await asyncio.wait(slow._workload.running)

    attempts = [1, 0, 0, 0, 0]
    assert given_back == [("lab.first", n, tried, False) for n, tried in enumerate(attempts, 1)]
    assert slow.outcomes == {("lab.first", "released"): 4, ("lab.first", "paid"): 1}
    assert sorted(await messaging.seen("lab.first")) == [(f"s{n}", 1) for n in range(5)]
    assert await messaging.owed() == []


async def test_giving_back_that_is_cut_short_forgets_nothing(
    messaging: Messaging, gate: Gate
) -> None:
    """As by a shutdown whose grace is over."""
    slow = await messaging.dispatcher(observer("lab.first", before=gate), concurrency=1)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(5)))
    claim = await slow._claiming.claim({"lab.first": 5})
    slow._workload.take(claim.deliveries)
    await gate.reached()

    giving_back = asyncio.create_task(slow._give_back(waiting=0.0))
    await asyncio.sleep(0)
    giving_back.cancel()
    await asyncio.wait({giving_back})
    await slow._releasing.release_kept()
    attempts = [attempts for _, _, attempts, _ in await messaging.owed()]
    gate.open.set()
    await asyncio.wait(slow._workload.running)

    assert attempts == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("grace", [0.0, 0.05])
async def test_a_shutdown_gives_back_what_runs_and_what_waits(
    messaging: Messaging, gate: Gate, grace: float
) -> None:
    slow = await messaging.dispatcher(observer("lab.first", before=gate), concurrency=1)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(5)))
    claim = await slow._claiming.claim({"lab.first": 5})
    slow.start()
    slow._workload.take(claim.deliveries)
    await gate.reached()

    await slow.stop(grace)

    assert await messaging.owed() == [("lab.first", n, 0, False) for n in range(1, 6)]


async def test_a_payment_makes_the_next_of_its_key_due_and_no_earlier_one(
    messaging: Messaging, gate: Gate
) -> None:
    """An earlier one is a revived dead letter: it may be under way, and must keep its lease."""
    outside = Outside()
    here = await messaging.dispatcher(caller("lab.mail", outside, before=gate))
    there = await messaging.dispatcher(caller("lab.mail", outside))
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in (1, 2, 3)))
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET dead_at = now() WHERE position = 1"
    )
    second = await there._claiming.claim({"lab.mail": 1})
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET dead_at = NULL WHERE position = 1"
    )
    revived = await here._claiming.claim({"lab.mail": 1})
    running = asyncio.create_task(here._delivering.deliver(revived.deliveries))
    await gate.reached()

    await there._delivering.deliver(second.deliveries)
    await there.drain()
    gate.open.set()
    await running
    await there.drain()

    assert outside.calls == [("s", 2), ("s", 1), ("s", 3)]
    assert await messaging.owed() == []


async def test_a_claim_that_came_too_late_for_a_delivery_does_not_keep_it_from_running(
    messaging: Messaging,
) -> None:
    """It has locked the row by the time at which it learns that somebody else was first."""
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    claim = await dispatcher._claiming.claim({"lab.first": 1})

    async with messaging.engine.begin() as other:
        await other.execute(text("SELECT FROM messaging.delivery FOR UPDATE"))
        running = asyncio.create_task(dispatcher._delivering.deliver(claim.deliveries))
        async with asyncio.timeout(60):
            while not (running.done() or await messaging.statements.value(WAITING)):
                pass
    await running

    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.owed() == []
