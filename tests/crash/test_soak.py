"""T14, the soak: three processes on one database, killed at random under the feet of clients."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from dataclasses import dataclass, field
from time import monotonic

import httpx
import structlog

from tests.crash.books import Books
from tests.crash.clients import register
from tests.crash.conftest import Stage
from tests.crash.nursery import Place
from tests.e2e.socket.server import free_port

SECONDS = float(os.environ.get("SOAK_SECONDS", "7"))
SEED = int(os.environ.get("SOAK_SEED", secrets.randbelow(1_000_000)))
"""Of who dies when; what the machine makes of that is not repeatable."""

BETWEEN_DEATHS = (0.1, 0.8)
CLIENTS = 3
BETWEEN_REQUESTS = 0.05
LEAST = SECONDS / 2
"""Deaths, and registrations between them; with less the soak shows nothing, and goes on."""

EFFECT_SECONDS = 2.0
"""So soon another process takes on, after five more, what a dead one may have called for."""

SETTLES_WITHIN = 120.0

_log = structlog.get_logger("soak")


async def test_three_processes_killed_at_random_lose_nothing_and_double_nothing(
    stage: Stage, books: Books
) -> None:
    _log.info("soak begins", seed=SEED, seconds=SECONDS)
    stage.effect_seconds = EFFECT_SECONDS
    ports = [free_port(), free_port()]
    places = [stage.run("serve", "--port", str(port)) for port in ports] + [stage.run("worker")]
    crowd = Crowd([stage.client(port) for port in ports])
    await crowd.admit_one()

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(crowd.keep_coming())
        deaths, most_attempts = await kill_at_random(places, books, crowd)
        crowd.closed = True
    backlog = len(await books.owed())
    await books.settled(within=SETTLES_WITHIN)

    faults = await books.faults(crowd.admitted)
    _log.info(
        "soak survived" if not faults else "soak failed",
        seed=SEED,
        deaths=deaths,
        addresses=len(crowd.admitted),
        most_attempts=most_attempts,
        owed_at_the_end_of_killing=backlog,
        repeated_effects=len(await books.repeated_effects()),
        **await books.counts(),
    )
    assert faults == []
    assert {await place.end() for place in places} <= {0, -signal.SIGTERM}


@dataclass
class Crowd:
    """Clients that register one new address after the other, each until it is accepted."""

    servers: list[httpx.AsyncClient]
    admitted: list[str] = field(default_factory=list)
    closed: bool = False

    async def keep_coming(self) -> None:
        while not self.closed:
            await self.admit_one()
            await asyncio.sleep(BETWEEN_REQUESTS)

    async def admit_one(self) -> None:
        address = f"traveller-{len(self.admitted)}@example.com"
        self.admitted.append(address)
        await register(self.servers, address)


async def kill_at_random(places: list[Place], books: Books, crowd: Crowd) -> tuple[int, int]:
    """For `SECONDS`, or longer where little happens on a busy machine; returns how often, and the
    most attempts that a delivery was seen to need."""
    draw = random.Random(SEED)  # noqa: S311  # to be repeated, not to be unguessable
    deaths = most_attempts = 0
    end = monotonic() + SECONDS
    while monotonic() < end or min(deaths, len(crowd.admitted)) < LEAST:
        await asyncio.sleep(draw.uniform(*BETWEEN_DEATHS))
        victim = draw.choice(places)
        assert victim.kill() == -signal.SIGKILL, "it had ended by itself"
        victim.start()
        deaths += 1
        attempts = (row["attempts"] for row in await books.owed())
        most_attempts = max(most_attempts, *attempts, 0)
    return deaths, most_attempts
