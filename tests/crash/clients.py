"""Clients of processes that die: they ask again until they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import cycle

import httpx

from tests.e2e.visitor import Visitor

PAUSE = 0.02
WITHIN = 120.0
"""Seconds in which some server is there to answer."""


async def register(servers: Sequence[httpx.AsyncClient], address: str) -> None:
    """Ask one server after the other; a request that was cut may have been heard or not.

    Raises `TimeoutError` when none of them answers.
    """
    async with asyncio.timeout(WITHIN):
        await _register(servers, address)


async def _register(servers: Sequence[httpx.AsyncClient], address: str) -> None:
    for server in cycle(servers):
        try:
            answer = await Visitor(server).register(address)
        except httpx.TransportError:
            await asyncio.sleep(PAUSE)
            continue
        if answer.status_code == 202:
            return
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(PAUSE)
