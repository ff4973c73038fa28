"""A43 and A44: processes that are ended, and neighbours that go away."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from time import perf_counter

import asyncpg
import httpx
import pytest

from app.database import asyncpg_dsn
from tests.attack.attacker import Attacker, new_address
from tests.attack.conftest import Report
from tests.attack.size import FULL, sized
from tests.attack.targets import Targets
from tests.e2e.socket.server import eventually
from tests.e2e.visitor import Pair, Visitor
from tests.own_postgres import OwnPostgres, own_postgres

IN_FLIGHT = 100
DEATHS = sized(2, 20)
REGISTRATIONS = 8
"""Between two deaths, at the least."""
MAIL_AWAY = sized(2, 60)
DATABASE_AWAY = sized(2, 30)
RECOVERY = 5.0
SLOWEST = 2.0
"""Seconds that an answer takes while there is no database."""

ACCOUNTED = """
SELECT (SELECT count(*) FROM auth.account WHERE email_key = ANY($1::text[])) AS accounts,
    (SELECT count(*) FROM users.profile JOIN auth.account ON account.id = profile.account_id
     WHERE email_key = ANY($1::text[])) AS profiles
"""


async def test_a43_everybody_who_was_let_in_is_answered_before_the_end(
    targets: Targets, report: Report
) -> None:
    target = await targets.start()
    people = [target.attacker() for _ in range(4)]
    sent = 0

    async def trace(event: str, _: object) -> None:
        nonlocal sent
        sent += event == "http11.send_request_body.complete"

    async def register(n: int) -> httpx.Response:
        return await people[n % 4].client.post(
            "/api/v1/auth/register",
            json={"email": new_address(), "password": "seven quiet otters juggle"},
            extensions={"trace": trace},
        )

    async def all_sent() -> bool:
        return sent == IN_FLIGHT

    async def is_ending() -> bool:
        return "Shutting down" in target.server.log()

    connection = await asyncpg.connect(asyncpg_dsn(target.database_url))
    async with connection.transaction():
        await connection.execute("LOCK TABLE auth.account")
        asked = [asyncio.create_task(register(n)) for n in range(IN_FLIGHT)]
        await eventually(all_sent)
        # Answered on a connection of its own, after those before it were let in.
        assert (await target.client().get("/health/live")).status_code == 200
        signalled = perf_counter()
        target.server.process.send_signal(signal.SIGTERM)
        await eventually(is_ending)
        answered_before = sum(task.done() for task in asked)
    await connection.close()

    answers = await asyncio.gather(*asked)

    assert await target.server.ended() in (0, -signal.SIGTERM)
    took = perf_counter() - signalled
    report(f"ended {took:.1f} s after the signal")
    told = Counter(answer.json().get("code", answer.status_code) for answer in answers)
    assert told == {202: IN_FLIGHT}
    assert answered_before == 0
    assert "Finished server process" in target.server.log()
    if FULL:
        assert took < 10


async def test_a43_what_was_acknowledged_survives_any_number_of_deaths(
    targets: Targets, report: Report
) -> None:
    target = await targets.start(EVENTS_POLL="0.2", AUTH_MAIL_REQUESTS_PER_CLIENT="100000")
    crowd = Crowd(target.attacker(timeout=5))
    people = [asyncio.create_task(crowd.keep_coming()) for _ in range(4)]

    for _ in range(DEATHS):
        await crowd.admits(REGISTRATIONS)
        target.server.process.kill()
        assert await target.server.ended() == -signal.SIGKILL
        await target.serve()
    crowd.closed = True
    await asyncio.gather(*people)
    if not FULL:
        await target.let_leases_pass()
    await target.settle(within=120)

    row = await target.statements.row(ACCOUNTED, crowd.admitted)
    assert row is not None
    assert row["accounts"] == row["profiles"] == len(crowd.admitted)
    to_whom = {mail.recipients[0] for mail in target.sink.mails}
    assert {*crowd.admitted} <= to_whom
    report(f"{DEATHS} deaths, {len(crowd.admitted)} registrations acknowledged")


async def test_a44_without_a_mail_server_people_register_and_hear_later(
    targets: Targets, report: Report
) -> None:
    target = await targets.start()
    target.defects_allowed = True
    attacker = target.attacker()
    await target.sink.close()
    await attacker.register(attacker.email)
    over = asyncio.get_running_loop().time() + MAIL_AWAY
    waiting = [attacker.email]

    while asyncio.get_running_loop().time() < over:
        waiting.append(new_address())
        answer = await attacker.register(waiting[-1])
        assert answer.status_code == 202, answer.text
        assert (await attacker.client.get("/health/ready")).status_code == 200
        await asyncio.sleep(0.2)

    assert [address for address in waiting if target.sink.so_far(address)] == []
    await target.sink.open()
    back = perf_counter()
    for address in waiting:
        [mail] = await target.sink.to(address, within=120)
        assert mail.token
    report(f"{len(waiting)} mails went out within {perf_counter() - back:.1f} s")


@pytest.fixture
async def postgres() -> AsyncIterator[OwnPostgres]:
    async with own_postgres() as postgres:
        yield postgres


async def test_a44_without_the_database_the_answers_are_honest_and_quick(
    targets: Targets, postgres: OwnPostgres, report: Report
) -> None:
    target = await targets.start(
        DATABASE_URL=postgres.url,
        DATABASE_POOL_TIMEOUT=str(sized(25, 1)),
        DATABASE_CONNECT_TIMEOUT=str(sized(25, 1)),
    )
    target.wire.allowed.add(503)
    owner = target.attacker()
    pair = await owner.joined()
    assert (await owner.me(pair.access_token)).status_code == 200
    slowest = 0.0

    await postgres.stop()
    stopped = perf_counter()
    while perf_counter() - stopped < DATABASE_AWAY:
        assert (await owner.client.get("/health/live")).status_code == 200
        for answer in (
            await _timed(owner.client.get("/health/ready")),
            await _timed(owner.register(new_address())),
            await _timed(owner.log_in(owner.email)),
            await _timed(owner.refresh(pair.refresh_token)),
            await _timed(owner.account(pair.access_token)),
            await _timed(owner.me(pair.access_token)),
        ):
            assert answer[0].status_code == 503, answer[0].text
            assert int(answer[0].headers["retry-after"]) >= 1
            slowest = max(slowest, answer[1])

    await postgres.start()
    back = perf_counter()
    recovered = await _recovered(owner, pair)
    took = perf_counter() - back
    report(f"slowest answer {slowest:.2f} s, recovered within {took:.2f} s")
    assert recovered.generation == pair.generation + 1
    assert (await target.client().get("/health/ready")).status_code == 200
    assert (await owner.joined(new_address())).generation == 1
    if FULL:
        assert slowest < SLOWEST
        assert took < RECOVERY


async def _timed(asked: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    begun = perf_counter()
    return await asked, perf_counter() - begun


async def _recovered(owner: Attacker, pair: Pair) -> Pair:
    """The successor, as soon as there is somebody to give it."""
    async with asyncio.timeout(60):
        while True:
            answer = await owner.refresh(pair.refresh_token)
            if answer.status_code == 200:
                return Pair.of(answer)
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


class Crowd:
    """Clients that register one new address after the other, each until it is accepted."""

    def __init__(self, visitor: Visitor) -> None:
        self.admitted: list[str] = []
        self.closed = False
        self._visitor = visitor
        self._more = asyncio.Event()

    async def keep_coming(self) -> None:
        while not self.closed:
            address = new_address()
            if await self._is_accepted(address):
                self.admitted.append(address)
                self._more.set()

    async def admits(self, number: int) -> None:
        """So many more; or somebody else would have to come."""
        until = len(self.admitted) + number
        async with asyncio.timeout(60):
            while len(self.admitted) < until:
                self._more.clear()
                await self._more.wait()

    async def _is_accepted(self, address: str) -> bool:
        """Asked again while nobody is there, as the death of a process may swallow an answer."""
        while not self.closed:
            try:
                answer = await self._visitor.register(address)
            except httpx.TransportError:
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code == 202, answer.text
            return True
        return False
