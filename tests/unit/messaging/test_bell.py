"""The bell."""

from __future__ import annotations

import asyncio

from app.shared.infrastructure.messaging.bell import Bell


async def test_who_waits_hears_it() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(60))
    await asyncio.sleep(0)

    bell.ring()

    assert await waiting


async def test_a_ring_before_the_wait_is_kept_for_one_wait() -> None:
    bell = Bell()

    bell.ring()
    bell.ring()

    assert await bell.wait(60)
    assert not await bell.wait(0)


async def test_nothing_rings_by_itself() -> None:
    assert not await Bell().wait(0)


async def test_it_is_heard_from_another_thread() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(60))
    await asyncio.sleep(0)

    await asyncio.to_thread(bell.ring)

    assert await waiting


async def test_one_bell_serves_several_event_loops() -> None:
    bell = Bell()

    def in_a_loop_of_its_own() -> bool:
        bell.ring()
        return asyncio.run(bell.wait(60))

    heard = [await asyncio.to_thread(in_a_loop_of_its_own) for _ in range(2)]

    assert heard == [True, True]
