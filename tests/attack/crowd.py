"""Many requests that are under way together, however fast the first of them would have been."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import httpx

from app.database import asyncpg_dsn
from tests.attack.target import Target
from tests.e2e.socket.server import eventually


async def answers_at_once(
    target: Target, path: str, bodies: Sequence[Any], *, hold: str, of: object
) -> list[httpx.Response]:
    """The answers to a crowd that had begun, all of it, before the first one could go on.

    `hold` is a statement that locks the row of `of` which they all want; it has to write a new
    version, so that whoever waited for the row looks at the clock again.
    """
    limits = httpx.Limits(max_connections=len(bodies))
    sent = 0

    async def trace(event: str, _: object) -> None:
        nonlocal sent
        sent += event == "http11.send_request_body.complete"

    async def all_sent() -> bool:
        return sent == len(bodies)

    async with httpx.AsyncClient(base_url=target.url, limits=limits, timeout=60) as crowd:
        connection = await asyncpg.connect(asyncpg_dsn(target.database_url))
        try:
            async with connection.transaction():
                await connection.execute(hold, of)
                asked = [
                    asyncio.create_task(crowd.post(path, json=body, extensions={"trace": trace}))
                    for body in bodies
                ]
                await eventually(all_sent)
                # Whoever is answered now came after all of them.
                for _ in range(3):
                    await target.client().get("/health/live")
        finally:
            await connection.close()
        answers = await asyncio.gather(*asked)
    for answer in answers:
        await target.wire.hear(answer)
    return answers
