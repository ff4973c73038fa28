"""T14: a process dies at each of its fail points; then nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection

import pytest

from app.shared.infrastructure.fail_points import FAIL_POINTS, FailPoint
from tests.crash.books import Books
from tests.crash.clients import register
from tests.crash.conftest import Stage
from tests.crash.nursery import Place
from tests.e2e.socket.server import eventually

ADDRESSES = [f"traveller-{n}@example.com" for n in range(6)]
SETTLES_WITHIN = 120.0

Drive = Callable[[Stage, Books, FailPoint], Awaitable[tuple[Place, Place]]]
"""Registers all the addresses; returns the process that died on the way, and the one after it."""


@pytest.mark.parametrize("point", FAIL_POINTS)
async def test_a_process_that_dies_there_loses_nothing_and_doubles_nothing(
    point: FailPoint, stage: Stage, books: Books
) -> None:
    drive = OTHERWISE.get(point, among_many)

    dead, alive = await drive(stage, books, point)
    await books.settled(within=SETTLES_WITHIN)

    assert await dead.ended() == -signal.SIGKILL
    assert alive.process.is_alive()
    assert await books.faults(ADDRESSES) == []
    repeated = await books.repeated_effects()
    # An effect repeats what the dead process may have done, and only that.
    assert all(pids == [dead.pid, alive.pid] for pids in repeated)
    if point == "before_effect":
        assert repeated == []
        assert dead.pid not in await books.callers()
    if point == "after_effect":
        assert len(repeated) == 1


async def among_many(stage: Stage, books: Books, point: FailPoint) -> tuple[Place, Place]:
    """Dies in the middle of what several clients want of it."""
    dead = stage.serve(dies_at=f"{point}:3")
    async with asyncio.TaskGroup() as clients:
        clients.create_task(register_all(stage, ADDRESSES))
        await dead.ended()
        await books.end_leases()
        alive = stage.serve()
    return dead, alive


async def with_all_owed(stage: Stage, books: Books, point: FailPoint) -> tuple[Place, Place]:
    """Dies when it has taken on what a server without a dispatcher left."""
    stage.serve("--no-dispatch")
    await register_all(stage, ADDRESSES)
    dead = stage.run("worker", dies_at=point)
    await dead.ended()
    await books.end_leases()
    return dead, stage.run("worker")


async def alone(stage: Stage, books: Books, point: FailPoint) -> tuple[Place, Place]:
    """Dies at the first step of the only account, so that no other effect is under way."""
    dead = stage.serve(dies_at=point)
    await register_all(stage, ADDRESSES[:1])
    await dead.ended()
    await books.end_leases()
    alive = stage.serve()
    await register_all(stage, ADDRESSES[1:])
    return dead, alive


async def purging(stage: Stage, books: Books, point: FailPoint) -> tuple[Place, Place]:
    """All events are old, some are owed, and the command dies when it has forgotten others."""
    stage.serve("--no-dispatch")
    await register_all(stage, ADDRESSES[:3])
    first = stage.run("worker")
    await books.settled(within=SETTLES_WITHIN)
    await first.end()
    await register_all(stage, ADDRESSES[3:])
    await books.make_old(fillers=1_500)

    dead = stage.run("events", "purge", dies_at=point)
    await dead.ended()

    assert 0 < await books.paid_events() <= 1_500
    again = stage.run("events", "purge")
    assert await again.ended() == 0, again.log_file.read_text()
    assert await books.paid_events() == 0
    return dead, stage.run("worker")


async def shutting_down(stage: Stage, books: Books, point: FailPoint) -> tuple[Place, Place]:
    """Is told to end while deliveries run that cannot come to their end."""
    dead = stage.serve(dies_at=point)
    async with stage.held_up():
        await register_all(stage, ADDRESSES)
        await eventually(books.notes_wait)
        await dead.end()
    await books.end_leases()
    return dead, stage.serve()


OTHERWISE: dict[FailPoint, Drive] = {
    "after_claim": with_all_owed,
    "before_effect": alone,
    "after_effect": alone,
    "purge": purging,
    "shutdown": shutting_down,
}


async def register_all(stage: Stage, addresses: Collection[str]) -> None:
    client = stage.client()
    await asyncio.gather(*(register([client], address) for address in addresses))
