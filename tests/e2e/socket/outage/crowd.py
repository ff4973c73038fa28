"""People who use the API all the time, and what none of them may ever be answered."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import httpx

from app.shared.domain.ids import new_id
from tests.e2e.visitor import Pair, Visitor

PAUSE = 0.02
"""Seconds before a person who was told to come back does: a load, and no race."""

Ask = Callable[[], Awaitable[httpx.Response]]


class Crowd:
    """So many people at once, who register, log in, work, refresh and log out, over and over.

    Whatever they are answered but what they asked for and an honest 503 fails the test: a 500, a
    connection without an answer, and a good token that is good no longer.
    """

    def __init__(self, client: httpx.AsyncClient, size: int = 4) -> None:
        self.answers: Counter[int] = Counter()
        self._client = client
        self._size = size
        self._people: list[asyncio.Task[None]] = []
        self._leaving = False
        self._news = asyncio.Event()

    def arrive(self) -> None:
        self._people = [asyncio.create_task(self._stay()) for _ in range(self._size)]

    async def leave(self) -> None:
        """Once everybody has come to an end; raises what went wrong for one of them."""
        self._leaving = True
        async with asyncio.timeout(60):
            await asyncio.gather(*self._people)

    async def dissolve(self) -> None:
        """Whatever they are at."""
        for person in self._people:
            person.cancel()
        await asyncio.gather(*self._people, return_exceptions=True)

    async def feels_it(self, *, times: int, within: float = 60.0) -> None:
        """Wait for so many more answers 503."""
        enough = self.answers[503] + times
        async with asyncio.timeout(within):
            while self.answers[503] < enough:
                for person in self._people:
                    if person.done():
                        person.result()
                self._news.clear()
                await self._news.wait()

    async def welcomes(self, *, within: float) -> None:
        """As many newcomers come all the way; so many seconds from now one of them has, and none
        meets a 503 any more.
        """
        until = asyncio.get_running_loop().time() + within
        newcomers = [
            asyncio.create_task(Person(self._client, self._hear, patient_until=until).live())
            for _ in self._people
        ]
        try:
            first, _ = await asyncio.wait(
                newcomers, timeout=within, return_when=asyncio.FIRST_COMPLETED
            )
            assert first, f"nobody came all the way within {within} s"
            async with asyncio.timeout(60):
                await asyncio.gather(*newcomers)
        finally:
            for newcomer in newcomers:
                newcomer.cancel()
            await asyncio.gather(*newcomers, return_exceptions=True)

    async def _stay(self) -> None:
        try:
            while not self._leaving:
                await Person(self._client, self._hear).live()
        finally:
            self._news.set()

    def _hear(self, status: int) -> None:
        self.answers[status] += 1
        self._news.set()


class Person:
    """Somebody new, who comes back as often as they are told to, up to a time of the loop."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        say: Callable[[int], None],
        *,
        patient_until: float = math.inf,
    ) -> None:
        self._visitor = Visitor(client)
        self._say = say
        self._patient_until = patient_until

    async def live(self) -> None:
        """From the registration to the logout."""
        visitor, email = self._visitor, f"{new_id()}@example.com"
        await self._get(202, partial(visitor.register, email))
        pair = Pair.of(await self._get(200, partial(visitor.log_in, email)))
        for _ in range(3):
            token = pair.access_token
            await self._get(200, partial(visitor.account, token))
            await self._get(200, partial(visitor.me_at_once, token))
            await self._get(200, partial(visitor.edit, token, {"bio": "x"}, if_match="*"))
            pair = Pair.of(await self._get(200, partial(visitor.refresh, pair.refresh_token)))
        await self._get(204, partial(visitor.log_out, refresh_token=pair.refresh_token))

    async def _get(self, expected: int, ask: Ask) -> httpx.Response:
        """The answer that was asked for, after however many times 503."""
        while (answer := await ask()).status_code == 503:
            self._say(503)
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
            assert asyncio.get_running_loop().time() < self._patient_until, answer.text
            await asyncio.sleep(PAUSE)
        self._say(answer.status_code)
        assert answer.status_code == expected, (answer.request.url, answer.text)
        return answer
