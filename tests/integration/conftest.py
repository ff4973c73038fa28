"""What the integration tests of all modules share."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path

import pytest
from sqlalchemy import make_url

LIMIT = 180.0
"""Seconds of any test here; the longest takes a tenth of that, on a machine that is not busy."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A test that would hang, because what it tests does, fails."""
    here = Path(__file__).parent
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(here):
            item.obj = _limited(item.obj) if inspect.iscoroutinefunction(item.obj) else item.obj


@pytest.fixture
def unreachable_url(database: str) -> Iterator[str]:
    """The database's URL with a port at which nobody listens, for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = make_url(database).set(host="127.0.0.1", port=port)
        yield url.render_as_string(hide_password=False)


def _limited(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(test)
    async def limited(*args: object, **kwargs: object) -> None:
        async with asyncio.timeout(LIMIT):
            await test(*args, **kwargs)

    return limited
