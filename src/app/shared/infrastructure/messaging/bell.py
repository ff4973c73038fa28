"""The bell: tells the dispatcher of this process that something may be due now."""

from __future__ import annotations

import asyncio
from threading import Lock


class Bell:
    """Rung after a commit that owes deliveries; a ring that nobody hears is kept for the next wait.

    Only a hint, and only inside this process: whoever waits also polls. May be rung from any
    thread and waited for in any event loop.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rung = False
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def ring(self) -> None:
        with self._lock:
            self._rung = True
            for heard, loop in self._waiting.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(heard.set)

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  # a poll, not a failure
        """Whether it rang within `timeout` seconds, or since the last wait."""
        heard = asyncio.Event()
        with self._lock:
            if self._rung:
                self._rung = False
                return True
            self._waiting[heard] = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                await heard.wait()
        except TimeoutError:
            return False
        finally:
            with self._lock:
                del self._waiting[heard]
        with self._lock:
            self._rung = False
        return True
