"""Work that a process repeats beside its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from app.shared.domain.errors import UnavailableError

_log = structlog.get_logger("app.periodic")


class Beside(Protocol):
    """What a process has running beside its requests, from before the first to after the last."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(kw_only=True)
class Periodic(Beside):
    """Runs `work` every `seconds`, whatever becomes of single runs, until it is stopped."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for so many seconds, or for less when there is a reason to run at once."""
    before_serving: bool = False
    """Whether the first run has to succeed before the process takes requests."""
    at_the_end: bool = False
    """Whether one more run is due when the process stops."""
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _postponed: bool = field(default=False, init=False)

    async def start(self) -> None:
        """Raises whatever the first run raises, when that has to succeed."""
        if self.before_serving:
            await self.work()
        self._task = asyncio.create_task(self._repeat(), name=self.name)

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        if self.at_the_end:
            await self._once()

    async def _repeat(self) -> None:
        while True:
            await self.pause(self.seconds)
            await self._once()

    async def _once(self) -> None:
        try:
            await self.work()
        except UnavailableError as error:
            # Said once: an outage lasts for many of these seconds.
            if not self._postponed:
                _log.warning("periodic work postponed", work=self.name, reason=error.code)
            self._postponed = True
        except Exception:
            _log.exception("periodic work failed", work=self.name)
        else:
            if self._postponed:
                _log.info("periodic work resumed", work=self.name)
            self._postponed = False
