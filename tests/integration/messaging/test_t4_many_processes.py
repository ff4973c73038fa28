"""T4: four processes on one queue: every result exactly once, every key in its order."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import NumberDrawn, observer
from tests.integration.messaging.worker import SUBSCRIBERS

PROCESSES = 4
KEYS = 20
EVENTS = 1_000


async def test_four_processes_deliver_everything_once_and_in_order(
    messaging: Messaging, database: str, seen: Seen
) -> None:
    await messaging.dispatcher(*(observer(name) for name in SUBSCRIBERS))
    drawn = [NumberDrawn(series=f"s{n % KEYS}", number=n // KEYS + 1) for n in range(EVENTS)]
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.messaging.worker",
            database,
            stdin=asyncio.subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]

    for start in range(0, EVENTS, 10):
        await messaging.publish(*drawn[start : start + 10])
    await seen.wait_for(EVENTS * len(SUBSCRIBERS))
    for worker in workers:
        await worker.communicate(b"")

    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    assert await messaging.owed() == []
    for subscriber in SUBSCRIBERS:
        numbers = defaultdict(list)
        for series, number in await messaging.seen(subscriber):
            numbers[series].append(number)
        assert len(numbers) == KEYS
        assert all(each == list(range(1, EVENTS // KEYS + 1)) for each in numbers.values())
