"""Many at once: what is decided once, and what is refused when there are too many."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from time import perf_counter

import httpx

from app.main import create_app
from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import MakeSettings, Serve, client_of, running
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import Pair, Visitor, refused

PATIENT = {
    "request_timeout": 59,
    "database_": {
        "pool_timeout": timedelta(seconds=58),
        "connect_timeout": timedelta(seconds=58),  # a busy event loop counts as a slow network
    },
}
LONG_GRACE = {"refresh_grace": 60}
"""A slow machine must not turn a crowd into an outage, nor into a reuse."""
TURN = 2.0
"""Seconds that a login waits for its turn. Whoever is refused earlier was not let into the queue;
whoever is refused later was, on a machine that stopped for a moment."""


async def test_a_thousand_refreshes_of_one_token_give_one_successor(
    serve: Serve, stored: StoredSessions
) -> None:
    async with serve(auth=LONG_GRACE, **PATIENT) as visitor:
        pair = await visitor.newcomer()

        answers = await asyncio.gather(*(visitor.refresh(pair.refresh_token) for _ in range(1_000)))

        successors = {Pair.of(answer).refresh_token for answer in answers}
        assert len(successors) == 1
        assert (await stored.row(pair.session_id))["generation"] == 2
        assert (await visitor.rotated(successors.pop())).generation == 3


async def test_a_refresh_beside_a_logout_leaves_nothing_alive(
    visitor: Visitor, stored: StoredSessions
) -> None:
    await visitor.register()
    for turn in range(25):
        pair = Pair.of(await visitor.log_in())
        asked = [visitor.refresh(pair.refresh_token) for _ in range(6)]
        asked.insert(turn % 7, visitor.log_out(refresh_token=pair.refresh_token))

        answers = await asyncio.gather(*asked)

        assert {answer.status_code for answer in answers} <= {200, 204, 401}
        pairs = [Pair.of(answer) for answer in answers if answer.status_code == 200]
        assert (await stored.row(pair.session_id))["revoked_at"] is not None
        for dead in [pair, *pairs]:
            refused(await visitor.refresh(dead.refresh_token), 401, "session_revoked")
            refused(await visitor.account(dead.access_token), 401, "session_revoked")


async def test_two_hundred_registrations_of_one_address_make_one_account(
    serve: Serve, statements: Statements
) -> None:
    async with serve(auth={"password_threads": 256, **LONG_GRACE}, **PATIENT) as visitor:
        spellings = ("ada@example.com", "ADA@Example.Com")

        answers = await asyncio.gather(*(visitor.register(spellings[n % 2]) for n in range(200)))

        assert Counter(answer.status_code for answer in answers) == {202: 200}
        pair = Pair.of(await visitor.log_in("Ada@example.com"))
        assert (await visitor.me(pair.access_token)).status_code == 200
        assert await statements.value("select count(*) from auth.account") == 1
        assert await statements.value("select count(*) from users.profile") == 1
        types = await statements.rows("select type from messaging.event")
        assert Counter(row["type"] for row in types) == {
            "auth.account_registered": 1,
            "auth.registration_repeated": 199,
        }


async def test_logins_beyond_the_queue_are_told_to_come_back(make_settings: MakeSettings) -> None:
    hashing = {"password_threads": 1, "password_queue": 8, "password_memory_kib": 19_456}
    app = create_app(make_settings(auth=hashing))
    addresses = ["10.0.0.1"] * 100 + [f"10.0.1.{n}" for n in range(100)]
    async with running(app), client_of(app) as client:
        await Visitor(client).register()

        answers = await asyncio.gather(
            *(
                Visitor(client_of(app, address)).log_in(f"person{n}@example.com")
                for n, address in enumerate(addresses)
            )
        )

        assert {answer.status_code for answer in answers} == {401, 429, 503}
        for answer in answers:
            if answer.status_code == 429:
                refused(answer, 429, "throttled")
            elif answer.status_code == 503:
                refused(answer, 503, "overloaded")
        assert (await Visitor(client).log_in()).status_code == 200


async def test_one_client_cannot_take_the_whole_queue(make_settings: MakeSettings) -> None:
    hashing = {"password_threads": 1, "password_queue": 8, "password_memory_kib": 19_456}
    app = create_app(make_settings(auth={**hashing, "login_failures_per_client": 10**6}))
    async with running(app), client_of(app, "10.0.0.1") as greedy, client_of(app) as other:
        await Visitor(other).register()

        answer, waited = await _login_beside_a_crowd(other, greedy)
        while answer.status_code == 503 and waited >= TURN:
            answer, waited = await _login_beside_a_crowd(other, greedy)

    assert answer.status_code == 200


async def _login_beside_a_crowd(
    other: httpx.AsyncClient, greedy: httpx.AsyncClient
) -> tuple[httpx.Response, float]:
    """The answer to a login while another client has all that it gets of the queue, and how many
    seconds that took."""
    crowd = [
        asyncio.create_task(Visitor(greedy).log_in(f"person{n}@example.com")) for n in range(50)
    ]
    while not any(task.done() and task.result().status_code == 429 for task in crowd):
        await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        crowd = [task for task in crowd if not task.done() or task.result().status_code == 429]
    begun = perf_counter()
    answer = await Visitor(other).log_in()
    waited = perf_counter() - begun
    await asyncio.wait(crowd)
    return answer, waited
