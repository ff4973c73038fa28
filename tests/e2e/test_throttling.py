"""Guessing passwords: what is let through, what it costs others, and how it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import MakeSettings, Serve, client_of, running
from tests.e2e.mailbox import Mailbox
from tests.e2e.passing_time import StoredAttempts
from tests.e2e.visitor import ADDRESS, Pair, Visitor, refused

WRONG = "seven loud otters juggle"
NEW_PASSWORD = "eleven loud badgers argue"
STRANGER = "198.51.100.7"


SLOW = {"login_first_wait": 60}
"""So that a slow machine does not wait long enough by itself."""


@pytest.fixture
async def visitor(serve: Serve) -> AsyncIterator[Visitor]:
    async with serve(auth=SLOW) as visitor:
        yield visitor


@pytest.fixture
def attempts(statements: Statements) -> StoredAttempts:
    return StoredAttempts(statements)


def codes(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def exhaust(visitor: Visitor, email: str = ADDRESS) -> None:
    """Guess until the next guess has to wait."""
    while (await visitor.log_in(email, WRONG)).status_code != 429:
        pass


async def test_of_a_hundred_guesses_ten_are_evaluated_and_the_rest_told_to_wait(
    visitor: Visitor, attempts: StoredAttempts
) -> None:
    await visitor.register()

    answers = [await visitor.log_in(password=WRONG) for _ in range(100)]

    assert codes(answers) == {401: 10, 429: 90}
    problem = refused(answers[-1], 429, "throttled")
    assert problem.keys() == {"type", "title", "status", "detail", "code", "instance"}
    refused(await visitor.log_in(), 429, "throttled")
    await attempts.let_pass(int(answers[-1].headers["retry-after"]))
    assert (await visitor.log_in()).status_code == 200


async def test_patience_brings_a_hundred_guesses_and_then_none(
    visitor: Visitor, attempts: StoredAttempts, tmp_path: Path
) -> None:
    await visitor.register()
    evaluated = 0
    while evaluated <= 100:
        answer = await visitor.log_in(password=WRONG)
        if answer.status_code == 401:
            evaluated += 1
        elif answer.headers["retry-after"] == "900" and evaluated == 100:
            break
        else:
            await attempts.let_pass(int(answer.headers["retry-after"]))
    assert evaluated == 100
    await attempts.let_pass(900)
    refused(await visitor.log_in(), 429, "throttled")

    await _reset(visitor, Mailbox(tmp_path))

    assert (await visitor.log_in(password=NEW_PASSWORD)).status_code == 200


async def test_an_unknown_address_is_answered_like_a_known_one(visitor: Visitor) -> None:
    await visitor.register()

    known = [await visitor.log_in(password=WRONG) for _ in range(30)]
    unknown = [await visitor.log_in("nobody@example.com", WRONG) for _ in range(30)]

    assert [answer.status_code for answer in known] == [answer.status_code for answer in unknown]
    assert known[-1].json()["detail"] == unknown[-1].json()["detail"]


async def test_headers_that_name_another_client_change_nothing(serve: Serve) -> None:
    async with serve(auth={"login_failures_per_client": 20}) as visitor:
        answers = []
        for n in range(60):
            elsewhere = f"198.51.100.{n}"
            visitor.client.headers.update(
                {
                    "X-Forwarded-For": elsewhere,
                    "X-Real-IP": elsewhere,
                    "Forwarded": f"for={elsewhere}",
                    "True-Client-IP": elsewhere,
                }
            )
            answers.append(await visitor.log_in(f"person{n}@example.com", WRONG))

    assert codes(answers) == {401: 20, 429: 40}


async def test_every_spelling_of_the_address_shares_the_budget(visitor: Visitor) -> None:
    await visitor.register()
    spellings = (
        *(ADDRESS, ADDRESS.upper(), f" {ADDRESS}", f"{ADDRESS} ", f"{ADDRESS}."),
        *(ADDRESS.title(), f"{ADDRESS.upper()}. "),
    )

    answers = [await visitor.log_in(spellings[n % len(spellings)], WRONG) for n in range(100)]

    assert codes(answers) == {401: 10, 429: 90}


async def test_one_guess_at_each_of_many_accounts_meets_the_budget_of_the_network(
    make_settings: MakeSettings,
) -> None:
    app = create_app(make_settings(auth={"login_failures_per_client": 20}))
    async with running(app):
        answers = []
        for n in range(100):
            async with client_of(app, f"2001:db8::{n:x}") as client:
                answers.append(await Visitor(client).log_in(f"person{n}@example.com", WRONG))

        assert codes(answers) == {401: 20, 429: 80}
        async with client_of(app, STRANGER) as client:
            refused(await Visitor(client).log_in(), 401, "invalid_credentials")


async def test_two_hundred_guesses_at_once_at_two_applications_are_ten_in_all(
    make_settings: MakeSettings,
) -> None:
    one, other = (create_app(make_settings(auth=SLOW)) for _ in range(2))
    async with running(one), running(other), client_of(one) as here, client_of(other) as there:
        visitors = [Visitor(here), Visitor(there)]

        answers = await asyncio.gather(
            *(visitors[n % 2].log_in(password=WRONG) for n in range(200))
        )

    assert codes(answers) == {401: 10, 429: 190}


async def test_an_attack_does_not_lock_out_whoever_is_or_was_logged_in(
    visitor: Visitor, tmp_path: Path
) -> None:
    pair = await visitor.newcomer()
    ended = Pair.of(await visitor.log_in())
    await visitor.log_out(refresh_token=ended.refresh_token)
    await exhaust(visitor)

    refused(await visitor.log_in(), 429, "throttled")
    assert (await visitor.account(pair.access_token)).status_code == 200
    rotated = await visitor.rotated(pair.refresh_token)
    again = await visitor.log_in(refresh_token=ended.refresh_token)
    assert again.status_code == 200
    assert (await visitor.log_in(refresh_token=rotated.refresh_token)).status_code == 200
    await _reset(visitor, Mailbox(tmp_path))
    assert (await visitor.log_in(password=NEW_PASSWORD)).status_code == 200


async def test_the_refresh_token_of_another_account_opens_no_further_budget(
    visitor: Visitor,
) -> None:
    await visitor.register()
    stranger = await visitor.newcomer("bob@example.com")

    answers = [
        await visitor.log_in(password=WRONG, refresh_token=token)
        for _ in range(20)
        for token in (stranger.refresh_token, "rt1.forged", None)
    ]

    assert codes(answers) == {401: 10, 429: 50}


async def test_nobody_is_throttled_by_the_right_password(serve: Serve) -> None:
    async with serve(auth={"login_free_attempts": 1, "login_failures_per_client": 1}) as visitor:
        await visitor.register()

        answers = [await visitor.log_in() for _ in range(20)]

    assert codes(answers) == {200: 20}


async def test_a_change_of_password_shares_the_budget_of_the_login(visitor: Visitor) -> None:
    pair = await visitor.newcomer()
    change = {"current_password": WRONG, "new_password": NEW_PASSWORD}

    answers = []
    for _ in range(10):
        answers.append(await visitor.log_in(password=WRONG))
        answers.append(
            await visitor.client.post(
                "/api/v1/auth/password/change",
                json=change,
                headers={"Authorization": f"Bearer {pair.access_token}"},
            )
        )

    assert codes(answers) == {401: 5, 422: 5, 429: 10}
    problem = refused(answers[1], 422, "current_password_wrong")
    assert problem["errors"][0]["pointer"] == "/current_password"


async def test_the_table_names_nobody(visitor: Visitor, statements: Statements) -> None:
    await visitor.log_in(password=WRONG)

    rows = await statements.rows("select t::text as row from auth.throttle as t")

    assert len(rows) == 2
    for row in rows:
        assert ADDRESS.encode().hex() not in row["row"]
        assert "127.0.0.1" not in row["row"]


async def _reset(visitor: Visitor, mailbox: Mailbox) -> None:
    received = len(mailbox.to(ADDRESS))
    asked = await visitor.client.post("/api/v1/auth/password/forgot", json={"email": ADDRESS})
    assert asked.status_code == 202
    token = await mailbox.token(ADDRESS, after=received)
    done = await visitor.client.post(
        "/api/v1/auth/password/reset", json={"token": token, "new_password": NEW_PASSWORD}
    )
    assert done.status_code == 204, done.text
