"""Hashing beside the event loop: how many at once, who waits, who is turned away."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from time import process_time

import pytest
from argon2 import extract_parameters

from app.modules.auth.domain.errors import HashingOverloadedError, HashingQueueShareError
from app.modules.auth.infrastructure.argon2_password_hasher import (
    Argon2Parameters,
    Argon2PasswordHasher,
)
from app.modules.auth.infrastructure.effective_cores import effective_cores
from app.modules.auth.infrastructure.hashing_pool import HashingPool

CHEAP = Argon2Parameters(memory_kib=64, iterations=1)


class Gate:
    """A job that runs until the test opens it."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self._open = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> str:
        self._loop.call_soon_threadsafe(self.entered.set)
        assert self._open.wait(60)
        return "done"

    def open(self) -> None:
        self._open.set()


@pytest.fixture
async def make_pool() -> AsyncIterator[Callable[..., HashingPool]]:
    pools: list[HashingPool] = []

    def make(threads: int, queue: int = 256, patience: float = 10.0, ahead: int = 0) -> HashingPool:
        pools.append(HashingPool(threads, queue=queue, patience=patience, ahead=ahead))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.close()


async def started(pool: HashingPool, *, modest: bool = False) -> tuple[Gate, asyncio.Task[str]]:
    """A job that holds a permit."""
    gate = Gate()
    task = asyncio.create_task(pool.run(gate, modest=modest))
    await asyncio.wait_for(gate.entered.wait(), 60)
    return gate, task


async def queued(pool: HashingPool, count: int) -> None:
    """Let the loop turn until that many wait."""
    while len(pool._waiters) != count:  # noqa: ASYNC110  # the pool has no event for it
        await asyncio.sleep(0)


async def test_a_thread_finds_its_next_job_without_the_event_loop(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1, ahead=1)
    gate, _ = await started(pool)
    began = threading.Event()
    next_one = asyncio.create_task(pool.run(began.set))
    last = asyncio.create_task(pool.run(lambda: None))
    await queued(pool, 1)

    gate.open()

    # The loop does nothing meanwhile: it is blocked here.
    assert began.wait(60)
    await asyncio.gather(next_one, last)


async def test_as_many_jobs_run_at_once_as_there_are_threads(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(2)
    first, first_task = await started(pool)
    second, second_task = await started(pool)

    third = asyncio.create_task(pool.run(lambda: "third"))
    await queued(pool, 1)
    second.open()

    assert await third == "third"
    assert await second_task == "done"
    assert not first_task.done()
    first.open()
    assert await first_task == "done"


async def test_the_first_to_come_is_the_first_to_be_served(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1)
    gate, running = await started(pool)
    order: list[int] = []

    waiting = [asyncio.create_task(pool.run(partial(order.append, n))) for n in range(20)]
    await queued(pool, 20)
    gate.open()
    await asyncio.gather(running, *waiting)

    assert order == list(range(20))


async def test_a_permit_outlives_the_caller_until_the_thread_is_done(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1)
    gate, abandoned = await started(pool)

    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)
    waiting = asyncio.create_task(pool.run(lambda: "next"))
    await queued(pool, 1)

    assert not waiting.done()
    gate.open()
    assert await waiting == "next"


async def test_a_permit_comes_back_from_a_job_that_failed(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1)

    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)

    assert await pool.run(lambda: "next") == "next"


async def test_whoever_leaves_the_queue_takes_no_permit_along(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1)
    gate, running = await started(pool)
    leaving = [asyncio.create_task(pool.run(lambda: "never")) for _ in range(5)]
    await queued(pool, 5)

    for task in leaving[:4]:
        task.cancel()
    gate.open()
    leaving[4].cancel()
    await asyncio.gather(running, *leaving, return_exceptions=True)

    assert await pool.run(lambda: "next") == "next"
    assert (pool._free, pool._waiters, +pool._waiting) == (1, [], {})


@pytest.mark.parametrize("permit_first", [True, False])
async def test_a_permit_granted_in_the_moment_of_leaving_is_handed_on(
    make_pool: Callable[..., HashingPool], permit_first: bool
) -> None:
    pool = make_pool(1)
    pool._take(False)
    leaving = asyncio.create_task(pool.run(lambda: "never"))
    staying = asyncio.create_task(pool.run(lambda: "served"))
    await queued(pool, 2)

    if permit_first:
        pool._give_back(False)
    leaving.cancel()
    if not permit_first:
        pool._give_back(False)

    assert await asyncio.wait_for(staying, 60) == "served"
    assert leaving.cancelled()


async def test_who_waits_too_long_is_told_when_to_come_back(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1, patience=0.01)
    gate, running = await started(pool)

    with pytest.raises(HashingOverloadedError) as refusal:
        await pool.run(lambda: "never")

    assert refusal.value.retry_after == 1
    gate.open()
    await running


async def test_a_full_queue_refuses_at_once(make_pool: Callable[..., HashingPool]) -> None:
    pool = make_pool(1, queue=4)
    gate, running = await started(pool)
    waiting = [asyncio.create_task(pool.run(lambda: "later")) for _ in range(4)]
    await queued(pool, 4)

    with pytest.raises(HashingOverloadedError):
        await pool.run(lambda: "never")

    gate.open()
    assert await asyncio.gather(running, *waiting) == ["done", *["later"] * 4]


async def test_no_client_holds_more_than_a_quarter_of_the_queue(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1, queue=8)
    gate, running = await started(pool)
    greedy = [asyncio.create_task(pool.run(lambda: "greedy", client="192.0.2.1")) for _ in range(2)]
    await queued(pool, 2)

    with pytest.raises(HashingQueueShareError) as refusal:
        await pool.run(lambda: "never", client="192.0.2.1")
    other = asyncio.create_task(pool.run(lambda: "other", client="192.0.2.2"))
    await queued(pool, 3)

    assert refusal.value.retry_after == 10
    gate.open()
    assert await asyncio.gather(running, *greedy, other) == ["done", "greedy", "greedy", "other"]
    assert not pool._waiting


async def test_the_addresses_of_one_network_share_their_quarter(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1, queue=8)
    gate, running = await started(pool)
    addresses = ("2001:db8::1", "2001:db8::2", "2001:db8::3")

    greedy = [asyncio.create_task(pool.run(lambda: "greedy", client=each)) for each in addresses]
    await asyncio.wait(greedy, return_when=asyncio.FIRST_COMPLETED)

    gate.open()
    *served, refusal = await asyncio.gather(*greedy, return_exceptions=True)
    assert served == ["greedy", "greedy"]
    assert isinstance(refusal, HashingQueueShareError)
    await running


async def test_however_many_register_a_login_finds_a_place_in_the_queue(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1, queue=4)
    gate, running = await started(pool)

    flood = [asyncio.create_task(pool.run(lambda: "later", modest=True)) for _ in range(4)]
    login = asyncio.create_task(pool.run(lambda: "logged in"))
    await queued(pool, 4)

    gate.open()
    assert await login == "logged in"
    *served, refusal = await asyncio.gather(*flood, return_exceptions=True)
    assert served == ["later"] * 3
    assert isinstance(refusal, HashingOverloadedError)
    await running


async def test_registrations_use_every_permit_while_no_login_waits(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(2)
    first, _ = await started(pool, modest=True)

    second, _ = await started(pool, modest=True)

    first.open()
    second.open()


async def test_a_login_that_waits_goes_before_registrations_that_came_first(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(2)
    first, _ = await started(pool, modest=True)
    second, running = await started(pool, modest=True)
    registration = asyncio.create_task(pool.run(lambda: "registered", modest=True))
    await queued(pool, 1)
    login = asyncio.create_task(pool.run(lambda: "logged in"))
    await queued(pool, 2)

    first.open()

    assert await asyncio.wait_for(login, 60) == "logged in"
    second.open()
    assert await asyncio.wait_for(running, 60) == "done"
    assert await asyncio.wait_for(registration, 60) == "registered"


async def test_a_storm_of_logins_leaves_registrations_their_turn(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(2)
    first, _ = await started(pool)
    second, _ = await started(pool)
    registration = asyncio.create_task(pool.run(lambda: "registered", modest=True))
    await queued(pool, 1)
    logins = [asyncio.create_task(pool.run(lambda: "logged in")) for _ in range(3)]
    await queued(pool, 4)

    first.open()

    assert await asyncio.wait_for(registration, 60) == "registered"
    second.open()
    await asyncio.gather(*logins)


async def test_a_single_thread_serves_registrations_too(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1)

    assert await pool.run(lambda: "registered", modest=True) == "registered"


async def test_closing_turns_the_queue_away_and_lets_the_running_end() -> None:
    pool = HashingPool(1, ahead=0)
    gate, running = await started(pool)
    waiting = asyncio.create_task(pool.run(lambda: "never"))
    await queued(pool, 1)

    closing = asyncio.create_task(pool.close())
    with pytest.raises(HashingOverloadedError):
        await waiting
    gate.open()
    await closing

    assert await running == "done"


async def test_hashing_threads_step_back_and_the_event_loop_does_not(
    make_pool: Callable[..., HashingPool],
) -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    theirs = await make_pool(1).run(
        lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    )

    assert theirs == (19 if sys.platform == "linux" else before)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


async def test_a_password_matches_its_own_hash_alone(
    make_pool: Callable[..., HashingPool],
) -> None:
    hasher = Argon2PasswordHasher(make_pool(2), CHEAP)
    stored = await hasher.hash("pass\x00word one é")

    right = await hasher.check("pass\x00word one é", stored)
    cut_at_nul = await hasher.check("pass\x00word two é", stored)

    assert (right.matches, right.outdated) == (True, False)
    assert not cut_at_nul.matches
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")


async def test_passwords_that_share_72_bytes_are_different(
    make_pool: Callable[..., HashingPool],
) -> None:
    hasher = Argon2PasswordHasher(make_pool(1), CHEAP)
    stored = await hasher.hash("x" * 72 + "one")

    assert not (await hasher.check("x" * 72 + "two", stored)).matches


async def test_a_hash_of_other_parameters_is_outdated(
    make_pool: Callable[..., HashingPool],
) -> None:
    pool = make_pool(1)
    stored = await Argon2PasswordHasher(pool, CHEAP).hash("a password")
    today = Argon2PasswordHasher(pool, Argon2Parameters(memory_kib=128, iterations=1))

    assert (await today.check("a password", stored)).outdated
    assert not (await today.check("another password", stored)).outdated


async def test_nobodys_hash_costs_what_a_real_one_costs_and_never_matches(
    make_pool: Callable[..., HashingPool],
) -> None:
    hasher = Argon2PasswordHasher(make_pool(1), CHEAP)
    real = await hasher.hash("a password")

    found = await hasher.check("a password", None)

    assert not found.matches
    assert not found.outdated
    assert extract_parameters(hasher._nobodys_hash) == extract_parameters(real)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain text",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=64,t=1,p=1$AAAA$!!!!",
        "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=64,t=1000000,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
    ],
)
async def test_a_broken_or_ruinous_stored_hash_never_matches(
    make_pool: Callable[..., HashingPool], stored: str
) -> None:
    hasher = Argon2PasswordHasher(make_pool(1), CHEAP)

    before = process_time()
    found = await hasher.check("a password", stored)

    assert not found.matches
    assert process_time() - before < 1


def test_parameters_above_the_maximum_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="maximum"):
        Argon2PasswordHasher(HashingPool(1), Argon2Parameters(memory_kib=1_048_576))


def test_a_cpu_quota_bounds_the_cores(tmp_path: Path) -> None:
    none = tmp_path / "none"
    v2, v1, nested = tmp_path / "v2", tmp_path / "v1", tmp_path / "nested"
    (v2).mkdir()
    (v2 / "cpu.max").write_text("100000 100000\n")
    (v1 / "cpu").mkdir(parents=True)
    (v1 / "cpu" / "cpu.cfs_quota_us").write_text("150000\n")
    (v1 / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (nested / "pod" / "box").mkdir(parents=True)
    (nested / "pod" / "cpu.max").write_text("50000 100000\n")
    (nested / "pod" / "box" / "cpu.max").write_text("max 100000\n")
    own = tmp_path / "cgroup"
    own.write_text("0::/pod/box\n")

    unlimited = effective_cores(cgroups=none, own_cgroup=none)

    assert unlimited >= 1
    assert effective_cores(workers=unlimited + 1, cgroups=none, own_cgroup=none) == 1
    assert effective_cores(cgroups=v2, own_cgroup=none) == 1
    assert effective_cores(cgroups=v1, own_cgroup=none) == 1
    assert effective_cores(cgroups=nested, own_cgroup=own) == 1
