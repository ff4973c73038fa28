"""A look that costs something, shared by everybody who asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

SHARE = 20
"""What took a second is kept for this many, so that looking is never most of what is done."""


class Glance(Generic[_T]):
    """Looks once for all who ask at the same time or shortly after, however many they are.

    What was seen is kept for `seconds`, or for `SHARE` times as long as the look took. A failure
    reaches all who waited for it and is not kept.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[_T]],
        *,
        seconds: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._look = look
        self._seconds = seconds
        self._now = now
        self._flight: asyncio.Task[_T] | None = None
        self._good_until = float("-inf")

    async def __call__(self) -> _T:
        flight = self._flight
        if flight is None or (flight.done() and self._now() >= self._good_until):
            flight = self._flight = asyncio.create_task(self._take())
            flight.add_done_callback(_hear)
        # Whoever stops waiting stops alone; the look is for the others too.
        await asyncio.wait({flight})
        return flight.result()

    async def _take(self) -> _T:
        started = self._now()
        self._good_until = started
        seen = await self._look()
        ended = self._now()
        self._good_until = ended + max(self._seconds, SHARE * (ended - started))
        return seen


def _hear(flight: asyncio.Task[Any]) -> None:
    """A failure is nobody's when all who waited for it have gone; asyncio would complain."""
    if not flight.cancelled():
        flight.exception()
