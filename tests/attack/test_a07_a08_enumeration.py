"""A07 and A08: neither an answer nor the time that it takes says who has an account."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter

import httpx

from tests.attack.answers import told
from tests.attack.attacker import Attacker, new_address
from tests.attack.conftest import Report
from tests.attack.size import FULL
from tests.attack.target import Target
from tests.attack.targets import Targets
from tests.e2e.visitor import PASSWORD, refused

PAIRS = 4_000
"""Of a thousand, the interval is about as wide as what it has to lie in."""
PEOPLE = 250
WRONG = "eleven calm herons whistle"

Act = Callable[[Attacker, str], Awaitable[httpx.Response]]


async def test_a07_a_registration_does_not_tell_who_is_here(verifying: Target) -> None:
    known, unverified = verifying.attacker(), verifying.attacker()
    await verifying.verified(known)
    await unverified.register(unverified.email)

    answers = [
        await verifying.attacker().register(email)
        for email in (new_address(), known.email, unverified.email)
    ]

    assert len({told(answer) for answer in answers}) == 1
    assert answers[0].status_code == 202
    mails = await verifying.sink.to(known.email, 2)
    assert "#token=" not in mails[1].text


async def test_a07_a_login_does_not_tell_what_was_wrong(verifying: Target) -> None:
    known, unverified, disabled = (verifying.attacker() for _ in range(3))
    await verifying.verified(known)
    await unverified.register(unverified.email)
    pair = await verifying.verified(disabled)
    admin = await verifying.administrator()
    answer = await disabled.post(
        f"/accounts/{pair.claims['sub']}/disable", None, admin.access_token
    )
    assert answer.is_success, answer.text

    attempts = {
        "unknown": (new_address(), PASSWORD),
        "wrong": (known.email, WRONG),
        "unverified": (unverified.email, PASSWORD),
        "unverified and wrong": (unverified.email, WRONG),
        "disabled": (disabled.email, PASSWORD),
        "disabled and wrong": (disabled.email, WRONG),
    }
    answers = {
        name: told(await verifying.attacker().log_in(*attempt))
        for name, attempt in attempts.items()
    }

    assert len({*answers.values()}) == 1, answers
    refused(await verifying.attacker().log_in(new_address()), 401, "invalid_credentials")


async def test_a07_a_locked_address_does_not_tell_whether_it_has_an_account(
    verifying: Target,
) -> None:
    known = verifying.attacker()
    await verifying.verified(known)

    async def locked(email: str) -> tuple[int, int]:
        """How many guesses were judged, and how the next one was answered."""
        for guess in range(200):
            answer = await verifying.attacker().log_in(email, f"{WRONG} {guess}")
            if answer.status_code != 401:
                return guess, answer.status_code
        return 200, 0

    assert await locked(known.email) == await locked(new_address())


async def test_a07_asking_for_a_mail_does_not_tell_whether_it_goes_out(verifying: Target) -> None:
    known, unverified = verifying.attacker(), verifying.attacker()
    await verifying.verified(known)
    await unverified.register(unverified.email)
    await verifying.sink.to(unverified.email)
    unknown = new_address()

    async def forgot(email: str) -> httpx.Response:
        return await verifying.attacker().forgot(email)

    async def resend(email: str) -> httpx.Response:
        return await verifying.attacker().resend(email)

    await _alike(forgot, known.email, unverified.email, unknown)
    await _alike(resend, known.email, unverified.email, unknown)

    await verifying.settle()
    subjects = [len(verifying.sink.so_far(email)) for email in (known.email, unknown)]
    assert subjects == [2, 0]
    sent = verifying.sink.so_far(unverified.email)
    assert len([mail for mail in sent if "/verify-email#" in mail.text]) == 2
    assert len([mail for mail in verifying.sink.so_far(known.email) if "#token=" in mail.text]) == 2


async def test_a08_a_login_costs_the_same_hash_whoever_is_asked_for(
    target: Target, targets: Targets, report: Report
) -> None:
    known = target.attacker()
    await known.joined()

    async def cost(email: str) -> list[str]:
        before = len(target.hashes())
        refused(await target.attacker().log_in(email, WRONG), 401, "invalid_credentials")
        return target.hashes()[before:]

    existing = [await cost(known.email) for _ in range(3)]
    unknown = [await cost(new_address()) for _ in range(3)]

    assert existing == unknown
    assert [len(hashes) for hashes in existing] == [1] * 3
    if FULL:
        await _takes_the_same_time(targets, report)


async def test_a08_a_registration_and_a_forgotten_password_cost_the_same_too(
    target: Target,
) -> None:
    known = target.attacker()
    await known.joined()

    async def cost(act: Act, email: str) -> tuple[int, int]:
        await target.settle()
        hashes, rows = len(target.hashes()), await _rows(target)
        assert (await act(target.attacker(), email)).status_code == 202
        return len(target.hashes()) - hashes, await _rows(target) - rows

    for act in (Attacker.register, Attacker.forgot, Attacker.resend):
        costs = [await cost(act, email) for email in (known.email, new_address())]
        assert costs[0] == costs[1], act.__name__


async def _alike(act: Callable[[str], Awaitable[httpx.Response]], *emails: str) -> None:
    answers = [await act(email) for email in emails]

    assert len({told(answer) for answer in answers}) == 1
    assert answers[0].status_code == 202, answers[0].text


async def _rows(target: Target) -> int:
    """Events that were committed: one for each request, whatever it is about."""
    count: int = await target.statements.value("SELECT count(*) FROM messaging.event")
    return count


async def _takes_the_same_time(targets: Targets, report: Report) -> None:
    target = await targets.start(
        AUTH_PASSWORD_MEMORY_KIB="", AUTH_PASSWORD_TIME_COST="", AUTH_LOGIN_FREE_ATTEMPTS="100"
    )
    known = [target.attacker() for _ in range(PEOPLE)]
    for one in known:
        await one.register(one.email)
    await target.settle(within=120)

    async def took(attacker: Attacker, email: str) -> float:
        begun = perf_counter()
        answer = await attacker.log_in(email, WRONG)
        ended = perf_counter()
        refused(answer, 401, "invalid_credentials")
        return (ended - begun) * 1_000

    existing, unknown = [], []
    nobody = [new_address() for _ in known]
    for n in range(PAIRS):
        one, other = known[n % len(known)], nobody[n % len(known)]
        # By the same connection and as often as the other one: only who is asked for differs.
        if n // len(known) % 2:
            existing.append(await took(one, one.email))
            unknown.append(await took(one, other))
        else:
            unknown.append(await took(one, other))
            existing.append(await took(one, one.email))

    differences = sorted(a - b for a, b in zip(existing, unknown, strict=True))
    # The interval of the median by its order statistics; normal approximation of the binomial.
    reach = 1.96 * math.sqrt(PAIRS) / 2
    low = differences[math.floor(PAIRS / 2 - reach)]
    high = differences[math.ceil(PAIRS / 2 + reach)]
    slower = sum(difference > 0 for difference in differences)
    sign = math.erfc(abs(slower - PAIRS / 2) / math.sqrt(PAIRS / 4) / math.sqrt(2))
    usual = median(unknown)
    report(
        f"median {median(existing):.2f} ms for a known address, {usual:.2f} ms for an unknown one;"
        f" 95 % of the median difference [{low:+.3f}, {high:+.3f}] ms; sign test p = {sign:.3f}"
    )
    assert -2 < low <= high < 2
    assert -0.02 * usual < low <= high < 0.02 * usual
