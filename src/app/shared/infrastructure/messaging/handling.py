"""Handling: a handler has its time, and ends by cancellation only where its process wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta


class HandlerCancelledError(Exception):
    """A handler ended as if it had been cancelled, because something that it awaited was."""


@asynccontextmanager
async def bounded(limit: timedelta) -> AsyncIterator[None]:
    """Raises `TimeoutError` when the handler takes longer, `HandlerCancelledError` as below."""
    async with asyncio.timeout(limit.total_seconds()):
        with _cancelled_by_nobody_else():
            yield


@contextmanager
def _cancelled_by_nobody_else() -> Iterator[None]:
    """Raises `HandlerCancelledError` where nobody asked the handler to end.

    Taken for the shutdown of this process, it would be given back for ever.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise HandlerCancelledError().with_traceback(error.__traceback__) from None
