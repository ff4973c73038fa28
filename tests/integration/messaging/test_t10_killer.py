"""T10: a handler that kills its process every time ends dead, and its siblings are fine."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.killer import MAX_ATTEMPTS, SUBSCRIBERS
from tests.integration.messaging.laboratory import NumberDrawn

RESTARTS = 8
"""As many as it may take: every attempt of the killer, and every delivery that it took with it."""

UNTIL_THE_NEXT_IS_DUE = """
WITH line AS (
    SELECT position, subscriber, dense_rank() OVER (ORDER BY available_at) - 1 AS place
    FROM messaging.delivery WHERE dead_at IS NULL
)
UPDATE messaging.delivery SET available_at = now() + line.place * interval '1 hour'
FROM line WHERE (delivery.position, delivery.subscriber) = (line.position, line.subscriber)
"""
"""What is due at the same moment stays together; all else is far enough away for a slow machine."""


async def test_a_handler_that_kills_its_process_ends_dead_and_its_siblings_are_fine(
    messaging: Messaging, database: str
) -> None:
    await messaging.dispatcher(*SUBSCRIBERS)
    await messaging.publish(
        NumberDrawn(series="deadly", number=1), NumberDrawn(series="sound", number=1)
    )

    codes = []
    async with _processes(database) as run:
        for _ in range(RESTARTS):
            codes.append(await run())
            await messaging.statements.rows(UNTIL_THE_NEXT_IS_DUE)

    assert codes.count(-signal.SIGKILL) == MAX_ATTEMPTS
    assert set(codes) == {-signal.SIGKILL, 0}
    assert await messaging.owed() == [("lab.killer", 1, MAX_ATTEMPTS, True)]
    assert await messaging.seen("lab.killer") == [("sound", 1)]
    assert sorted(await messaging.seen("lab.sibling")) == [("deadly", 1), ("sound", 1)]


@asynccontextmanager
async def _processes(database: str) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """`await run()`: how one more process ended."""
    forking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.messaging.killer", database),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert forking.stdin is not None
    assert forking.stdout is not None
    to, back = forking.stdin, forking.stdout

    async def run() -> int:
        to.write(b"\n")
        return int(await back.readline())

    try:
        yield run
    finally:
        to.close()
        await forking.wait()
