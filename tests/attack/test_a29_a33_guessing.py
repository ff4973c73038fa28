"""A29 to A33: how many guesses are heard, and that their victim is not locked out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from tests.attack.attacker import Attacker
from tests.attack.conftest import Report
from tests.attack.size import sized
from tests.attack.target import Target
from tests.e2e.socket.server import eventually
from tests.e2e.visitor import PASSWORD, Pair

GUESSES = 100
FREE = 10
"""AUTH_LOGIN_FREE_ATTEMPTS: then a while passes between two guesses, then twice that, and so on."""
HEARD = 15
"""At the most, of so many in a minute, even if the while is a second: one more at each doubling."""
PER_CLIENT = 100
"""AUTH_LOGIN_FAILURES_PER_CLIENT."""

Guess = Callable[[int], tuple[str, dict[str, str]]]
"""The spelling of the address and the headers of the nth guess."""


async def test_a29_of_a_hundred_guesses_few_are_heard(target: Target, report: Report) -> None:
    victim = target.attacker()
    await victim.joined()

    answers, heard = await _guessed(target, lambda _: (victim.email, {}))

    _are_refused_honestly(answers)
    report(f"{heard} of {GUESSES} guesses were heard")
    right = await target.attacker().log_in(victim.email)
    assert right.status_code == 429
    assert (await target.attacker().log_in(target.attacker().email)).status_code == 401
    await target.let_throttles_pass(15 * 60 + 1)
    assert (await target.attacker().log_in(victim.email)).status_code == 200


async def test_a29_a_reset_makes_an_end_of_it_at_once(target: Target) -> None:
    victim = target.attacker()
    await victim.joined()
    await _guessed(target, lambda _: (victim.email, {}))
    await victim.forgot(victim.email)
    mails = await target.sink.to(victim.email, 2)

    assert (await victim.reset(mails[-1].token, "eleven calm herons whistle")).status_code == 204

    answer = await victim.log_in(victim.email, "eleven calm herons whistle")
    assert answer.status_code == 200, answer.text


async def test_a29_after_a_hundred_failures_in_a_row_only_a_reset_helps(target: Target) -> None:
    victim = target.attacker()
    await victim.joined()
    heard = len(target.hashes())

    for guess in range(GUESSES + 20):
        answer = await target.attacker().log_in(victim.email, f"guess number {guess} of many")
        assert answer.status_code == (401 if guess < GUESSES else 429), guess
        await target.let_throttles_pass(15 * 60)

    assert len(target.hashes()) - heard == GUESSES
    await target.let_throttles_pass(365 * 24 * 60 * 60)
    assert (await target.attacker().log_in(victim.email)).status_code == 429
    await victim.forgot(victim.email)
    mails = await target.sink.to(victim.email, 2)
    assert (await victim.reset(mails[-1].token, "eleven calm herons whistle")).status_code == 204
    assert (await victim.log_in(victim.email, "eleven calm herons whistle")).status_code == 200


async def test_a29_every_place_that_asks_for_the_password_shares_the_budget(
    target: Target,
) -> None:
    victim = target.attacker()
    pair = await victim.joined()
    before = len(target.hashes())

    for guess in range(GUESSES):
        wrong = f"guess number {guess} of many"
        answer = await [
            lambda wrong: victim.change_password(pair.access_token, wrong, "another one entirely"),
            lambda wrong: victim.change_email(pair.access_token, "a@example.com", wrong),
            lambda wrong: victim.delete_account(pair.access_token, wrong),
            lambda wrong: victim.log_in(victim.email, wrong),
        ][guess % 4](wrong)
        assert answer.status_code in (400, 401, 403, 422, 429), answer.text

    assert FREE <= len(target.hashes()) - before <= HEARD


async def test_a30_one_address_cannot_try_everybody(target: Target, report: Report) -> None:
    accounts = sized(150, 500)
    sprayer = target.attacker()
    before = len(target.hashes())

    answers = [
        await sprayer.log_in(f"nobody{n}.{sprayer.email}", "one guess for everybody")
        for n in range(accounts)
    ]

    heard = len(target.hashes()) - before
    report(f"{heard} of {accounts} accounts were tried")
    assert PER_CLIENT <= heard <= PER_CLIENT + accounts // 10
    _are_refused_honestly(answers)
    victim = target.attacker()
    await victim.joined()


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP"],
)
async def test_a31_a_client_that_states_another_address_gets_no_other_budget(
    target: Target, header: str
) -> None:
    sprayer = target.attacker()
    before = len(target.hashes())

    def stated(n: int) -> str:
        return f"for=10.0.{n // 250}.{n % 250}" if header == "Forwarded" else f"10.0.0.{n % 250}"

    for n in range(PER_CLIENT + 20):
        await sprayer.client.post(
            "/api/v1/auth/login",
            json={"email": f"n{n}.{sprayer.email}", "password": "one guess for everybody"},
            headers={header: stated(n)},
        )

    assert len(target.hashes()) - before <= PER_CLIENT + 10


async def test_a31_nor_does_it_get_another_one_for_its_victim(target: Target) -> None:
    victim = target.attacker()
    await victim.joined()

    answers, _ = await _guessed(
        target,
        lambda n: (victim.email, {"X-Forwarded-For": f"10.1.0.{n}", "X-Real-IP": f"10.1.1.{n}"}),
    )

    _are_refused_honestly(answers)


async def test_a32_another_spelling_of_the_address_has_no_other_budget(target: Target) -> None:
    victim = target.attacker()
    await victim.joined()

    def spelled(n: int) -> str:
        email = "".join(
            letter.upper() if n >> (place % 7) & 1 else letter
            for place, letter in enumerate(victim.email)
        )
        return " " * (n % 3) + email + "." * (n % 2) + "\t" * (n % 5 == 0)

    answers, _ = await _guessed(target, lambda n: (spelled(n), {}))

    _are_refused_honestly(answers)


async def test_a33_the_victim_of_an_attack_goes_on_with_their_work(target: Target) -> None:
    victim = target.attacker()
    first = await victim.joined()
    pair = Pair.of(await victim.log_in(victim.email))
    heard: Counter[int] = Counter()
    over = asyncio.Event()

    async def attack() -> None:
        attacker = target.attacker()
        while not over.is_set():
            answer = await attacker.log_in(victim.email, f"guess number {sum(heard.values())}")
            heard[answer.status_code] += 1
            # A guess that is heard costs a moment; without one this loop would own the machine.
            await asyncio.sleep(0.01)

    attackers = [asyncio.create_task(attack()) for _ in range(3)]

    async def is_under_way() -> bool:
        return heard[429] > 0

    await eventually(is_under_way)

    assert (await victim.me(pair.access_token)).status_code == 200
    pair = await victim.rotated(pair.refresh_token)
    again = await _log_in_from_a_known_device(victim, pair)
    assert again.status_code == 200, again.text
    dead = await victim.log_out(refresh_token=first.refresh_token)
    assert dead.status_code == 204
    from_a_dead_one = await _log_in_from_a_known_device(victim, first)
    assert from_a_dead_one.status_code == 200, from_a_dead_one.text
    await victim.forgot(victim.email)
    mails = await target.sink.to(victim.email, 2)
    reset = await victim.reset(mails[-1].token, "eleven calm herons whistle")
    assert reset.status_code == 204, reset.text

    over.set()
    await asyncio.gather(*attackers)


async def _log_in_from_a_known_device(victim: Attacker, pair: Pair) -> httpx.Response:
    return await victim.log_in(victim.email, PASSWORD, refresh_token=pair.refresh_token)


async def _guessed(target: Target, guess: Guess) -> tuple[list[httpx.Response], int]:
    """The answers to a hundred guesses, each from another address, and how many were heard."""
    before = len(target.hashes())
    answers = []
    for n in range(GUESSES):
        email, headers = guess(n)
        answers.append(
            await target.client().post(
                "/api/v1/auth/login",
                json={"email": email, "password": f"guess number {n} of many"},
                headers=headers,
            )
        )
    heard = len(target.hashes()) - before
    assert FREE <= heard <= HEARD
    assert heard == sum(answer.status_code == 401 for answer in answers)
    return answers, heard


def _are_refused_honestly(answers: list[httpx.Response]) -> None:
    refusals = [answer for answer in answers if answer.status_code == 429]
    assert refusals
    assert {answer.status_code for answer in answers} == {401, 429}
    for answer in refusals:
        assert answer.json()["code"] == "throttled"
        assert int(answer.headers["retry-after"]) >= 1
