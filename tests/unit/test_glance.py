"""One look for all who ask."""

from __future__ import annotations

import asyncio
import gc

import pytest

from app.shared.infrastructure.glance import SHARE, Glance


class World:
    """What is looked at; it changes with every look, and a look takes as long as is said."""

    def __init__(self) -> None:
        self.looks = 0
        self.time = 100.0
        self.takes = 0.0
        self.broken = False
        self.shown = asyncio.Event()
        self.shown.set()

    async def look(self) -> int:
        self.looks += 1
        await self.shown.wait()
        self.time += self.takes
        if self.broken:
            raise OSError("refused")
        return self.looks

    def glance(self) -> Glance[int]:
        return Glance(self.look, seconds=1, now=lambda: self.time)


async def test_all_who_ask_at_the_same_time_share_one_look() -> None:
    world = World()
    world.shown.clear()
    glance = world.glance()

    asking = [asyncio.create_task(glance()) for _ in range(50)]
    await asyncio.sleep(0)
    world.shown.set()

    assert await asyncio.gather(*asking) == [1] * 50


async def test_what_was_seen_is_kept_for_a_moment() -> None:
    world = World()
    glance = world.glance()

    first = await glance()
    world.time += 0.99
    again = await glance()
    world.time += 0.02
    later = await glance()

    assert (first, again, later) == (1, 1, 2)


async def test_what_took_long_to_see_is_kept_for_long() -> None:
    world = World()
    world.takes = 3.0
    glance = world.glance()

    await glance()
    world.time += 3.0 * SHARE - 0.1
    kept = await glance()
    world.time += 0.2
    fresh = await glance()

    assert (kept, fresh) == (1, 2)


async def test_a_failure_reaches_all_who_waited_and_is_not_kept() -> None:
    world = World()
    world.broken = True
    glance = world.glance()

    failed = await asyncio.gather(glance(), glance(), return_exceptions=True)
    world.broken = False
    seen = await glance()

    assert [type(one) for one in failed] == [OSError, OSError]
    assert seen == 2


async def test_whoever_stops_waiting_takes_the_look_from_nobody() -> None:
    world = World()
    world.shown.clear()
    glance = world.glance()
    patient = asyncio.create_task(glance())
    await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await glance()
    world.shown.set()

    assert await patient == 1


async def test_a_failure_that_nobody_waited_for_is_no_complaint() -> None:
    world = World()
    world.shown.clear()
    world.broken = True
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    glance = world.glance()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await glance()
    world.shown.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del glance
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)

    assert complaints == []
