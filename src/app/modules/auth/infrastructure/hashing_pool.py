"""Hashes passwords beside the event loop, with a queue that stays short and fair."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from app.modules.auth.domain.errors import HashingOverloadedError, HashingQueueShareError
from app.modules.auth.domain.throttling import network_of
from app.modules.auth.infrastructure.effective_cores import effective_cores

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Waiter:
    granted: asyncio.Future[None]
    client: str | None
    modest: bool


class HashingPool:
    """Runs jobs in threads of its own, in the order of their coming.

    A permit per thread, and one more for the job that the next free thread takes without waiting
    for the event loop, which may be busy. A permit comes back when the thread is done, not when
    the caller has left, so that cancelled requests cannot pile up work. A modest job (a
    registration) never takes the last permit from a job that waits: a login is a hash or two
    away, and where nobody logs in registrations use every core. Used from one event loop.
    """

    def __init__(
        self, threads: int, *, queue: int = 256, patience: float = 2.0, ahead: int = 1
    ) -> None:
        """No `threads` are one per core; `patience` is the longest wait for a permit, in seconds;
        `ahead` the permits beyond the threads."""
        threads = threads or effective_cores()
        self.threads = threads
        self._queue = queue
        self._share = max(1, queue // 4)
        self._modest_queue = queue - self._share
        """Places for modest jobs: however many wait, there is room for the others."""
        self._patience = patience
        self._executor = ThreadPoolExecutor(threads, "hashing", initializer=_step_back)
        self._free = threads + ahead
        self._modest_free = max(1, threads - 1)
        """Permits for modest jobs beside a waiting one of the other kind; below 0 is borrowed."""
        self._waiters: list[_Waiter] = []
        self._waiting: Counter[str] = Counter()

    async def run(
        self, job: Callable[[], T], *, client: str | None = None, modest: bool = False
    ) -> T:
        """Raises `HashingOverloadedError` when the queue is full or no permit came free in time,
        `HashingQueueShareError` when the network of `client` holds a quarter of it already."""
        if self._available(modest):
            self._take(modest)
        else:
            await self._wait(client, modest)
        loop = asyncio.get_running_loop()

        def done(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is gone, and its permits with it
                loop.call_soon_threadsafe(self._give_back, modest)

        try:
            future = self._executor.submit(job)
        except BaseException:
            self._give_back(modest)
            raise
        future.add_done_callback(done)
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Turn away who waits; let the running jobs end."""
        for waiter in self._waiters:
            if not waiter.granted.done():
                waiter.granted.set_exception(self._overloaded())
        await asyncio.to_thread(self._executor.shutdown, wait=True)

    async def _wait(self, client: str | None, modest: bool) -> None:
        client = None if client is None else network_of(client)
        if client is not None and self._waiting[client] >= self._share:
            raise HashingQueueShareError(retry_after=self._retry_after)
        modest_waiters = sum(waiter.modest for waiter in self._waiters)
        if len(self._waiters) >= self._queue or (modest and modest_waiters >= self._modest_queue):
            raise self._overloaded()
        waiter = _Waiter(asyncio.get_running_loop().create_future(), client, modest)
        self._enter(waiter)
        try:
            async with asyncio.timeout(self._patience):
                await waiter.granted
        except TimeoutError:
            self._withdraw(waiter)
            raise self._overloaded() from None
        except BaseException:
            self._withdraw(waiter)
            raise

    def _enter(self, waiter: _Waiter) -> None:
        self._waiters.append(waiter)
        if waiter.client is not None:
            self._waiting[waiter.client] += 1

    def _leave(self, waiter: _Waiter) -> None:
        self._waiters.remove(waiter)
        if waiter.client is not None:
            self._waiting[waiter.client] -= 1
            if not self._waiting[waiter.client]:
                del self._waiting[waiter.client]

    def _withdraw(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            self._leave(waiter)
        else:  # granted in the same moment
            self._give_back(waiter.modest)

    def _admit(self) -> None:
        """Grant what is free to the first who may have it."""
        for waiter in list(self._waiters):
            if not self._free:
                return
            if self._available(waiter.modest) and not waiter.granted.done():
                self._leave(waiter)
                self._take(waiter.modest)
                waiter.granted.set_result(None)

    def _available(self, modest: bool) -> bool:
        if not modest or self._modest_free > 0:
            return self._free > 0
        return self._free > 0 and all(waiter.modest for waiter in self._waiters)

    def _take(self, modest: bool) -> None:
        self._free -= 1
        self._modest_free -= modest

    def _give_back(self, modest: bool) -> None:
        self._free += 1
        self._modest_free += modest
        self._admit()

    @property
    def _retry_after(self) -> int:
        return max(1, ceil(self._patience))

    def _overloaded(self) -> HashingOverloadedError:
        return HashingOverloadedError(retry_after=self._retry_after)


def _step_back() -> None:
    """Nice 19 for this thread alone: hashing takes what answering requests leaves over."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
