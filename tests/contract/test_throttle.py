"""What every throttle promises."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from app.modules.auth.application.throttling import Charge, MailThrottle
from app.modules.auth.domain.errors import LoginThrottledError, RequestsThrottledError
from app.modules.auth.domain.throttling import Budget, ThrottlePolicy
from tests.contract.auth_worlds import AuthWorld

MINUTE = timedelta(minutes=1)
BY_ADDRESS = Budget(
    name="address",
    refusal=LoginThrottledError,
    free=10,
    wait=MINUTE,
    longest_wait=16 * MINUTE,
    forgiven_after=timedelta(hours=1),
    memory=timedelta(hours=16),
    failures=100,
)
"""In minutes, so that a machine that halts for seconds changes nothing."""
BY_NETWORK = Budget.steady("network", LoginThrottledError, 20, 20 * MINUTE)


def address(name: str = "ada@example.com") -> Charge:
    return Charge(BY_ADDRESS, name)


def network(name: str = "192.0.2.1") -> Charge:
    return Charge(BY_NETWORK, name)


async def fail(auth: AuthWorld, times: int, *charges: Charge) -> None:
    for _ in range(times):
        await auth.throttle.reserve(*charges)


async def fail_patiently(auth: AuthWorld, times: int) -> None:
    """Whatever the wait."""
    for _ in range(times):
        await auth.throttle.reserve(address())
        await auth.pass_time(16 * MINUTE)


async def minutes_to_wait(auth: AuthWorld, *charges: Charge) -> int:
    """What a refusal asks for."""
    with pytest.raises(LoginThrottledError) as refusal:
        await auth.throttle.reserve(*charges)
    assert refusal.value.retry_after is not None
    return round(refusal.value.retry_after / 60)


async def test_what_is_free_needs_no_wait(auth: AuthWorld) -> None:
    await fail(auth, 10, address())

    assert await minutes_to_wait(auth, address()) == 1


async def test_keys_and_budgets_are_counted_apart(auth: AuthWorld) -> None:
    await fail(auth, 10, address())

    await fail(auth, 10, address("bob@example.com"))
    await fail(auth, 10, Charge(replace(BY_ADDRESS, name="device"), address().key))


async def test_each_failure_beyond_what_is_free_doubles_the_wait(auth: AuthWorld) -> None:
    await fail(auth, 10, address())
    waits = []

    for _ in range(7):
        waits.append(await minutes_to_wait(auth, address()))
        await auth.pass_time(waits[-1] * MINUTE)
        await auth.throttle.reserve(address())

    assert waits == [1, 2, 4, 8, 16, 16, 16]


async def test_a_refused_attempt_costs_nothing(auth: AuthWorld) -> None:
    await fail(auth, 10, address())
    for _ in range(20):
        await minutes_to_wait(auth, address())

    await auth.pass_time(MINUTE)

    await auth.throttle.reserve(address())
    assert await minutes_to_wait(auth, address()) == 2


async def test_one_attempt_is_forgiven_after_the_other(auth: AuthWorld) -> None:
    await fail(auth, 10, address())
    await auth.pass_time(timedelta(hours=3))

    await fail(auth, 3, address())

    assert await minutes_to_wait(auth, address()) == 1


async def test_more_than_the_memory_is_not_held_against_anybody(auth: AuthWorld) -> None:
    await fail_patiently(auth, 80)
    await auth.pass_time(BY_ADDRESS.memory)

    await fail(auth, 10, address())

    assert await minutes_to_wait(auth, address()) == 1


async def test_after_too_many_failures_in_a_row_nothing_is_tried_any_more(auth: AuthWorld) -> None:
    await fail_patiently(auth, 100)

    await auth.pass_time(timedelta(days=7))

    assert await minutes_to_wait(auth, address()) == 16


async def test_a_cleared_key_starts_anew(auth: AuthWorld) -> None:
    await fail_patiently(auth, 100)

    await auth.throttle.clear(address())

    await fail(auth, 10, address())
    assert await minutes_to_wait(auth, address()) == 1


async def test_a_steady_budget_allows_its_number_over_and_over(auth: AuthWorld) -> None:
    await fail(auth, 20, network())
    assert await minutes_to_wait(auth, network()) == 1

    await auth.pass_time(7 * MINUTE)

    await fail(auth, 7, network())
    assert await minutes_to_wait(auth, network()) == 1


async def test_what_the_first_key_refuses_is_not_charged_to_the_second(auth: AuthWorld) -> None:
    await fail(auth, 20, network())
    for _ in range(20):
        await minutes_to_wait(auth, network(), address())

    await fail(auth, 10, address())


async def test_what_the_second_key_refuses_is_not_charged_to_the_first(auth: AuthWorld) -> None:
    await fail(auth, 10, network(), address())
    for _ in range(50):
        await minutes_to_wait(auth, network(), address())

    await fail(auth, 10, network())
    assert await minutes_to_wait(auth, network()) == 1


@pytest.mark.parametrize("end", ["refund", "succeeded"])
async def test_what_is_taken_back_was_never_made(auth: AuthWorld, end: str) -> None:
    for _ in range(50):
        reserved = await auth.throttle.reserve(network(), address())
        await getattr(auth.throttle, end)(reserved)

    await fail(auth, 10, network(), address())
    assert await minutes_to_wait(auth, network(), address()) == 1


async def test_one_charge_alone_is_taken_back_as_well(auth: AuthWorld) -> None:
    for _ in range(50):
        await auth.throttle.refund(await auth.throttle.reserve(address()))

    await fail(auth, 10, address())
    assert await minutes_to_wait(auth, address()) == 1


async def test_a_success_leaves_the_waits_that_failures_have_earned(auth: AuthWorld) -> None:
    await fail(auth, 10, address())
    await auth.pass_time(MINUTE)

    await auth.throttle.succeeded(await auth.throttle.reserve(address()))

    await auth.throttle.reserve(address())
    assert await minutes_to_wait(auth, address()) == 2


async def test_an_owner_who_comes_and_goes_brings_an_attacker_no_faster_guesses(
    auth: AuthWorld,
) -> None:
    guesses, minutes = 0, 12 * 60
    for _ in range(minutes):
        with suppress(LoginThrottledError):
            await auth.throttle.reserve(address())
            guesses += 1
        with suppress(LoginThrottledError):
            await auth.throttle.succeeded(await auth.throttle.reserve(address()))
        await auth.pass_time(MINUTE)

    assert guesses <= 10 + 5 + minutes / 16


async def test_an_owner_who_comes_as_soon_as_possible_is_let_in(auth: AuthWorld) -> None:
    await fail(auth, 10, address())
    logins = 0
    for _ in range(60):
        with suppress(LoginThrottledError):
            await auth.throttle.succeeded(await auth.throttle.reserve(address()))
            logins += 1
        with suppress(LoginThrottledError):
            await auth.throttle.reserve(address())
        await auth.pass_time(MINUTE)

    assert logins >= 6


async def test_a_success_ends_the_row_of_failures(auth: AuthWorld) -> None:
    await fail_patiently(auth, 99)
    await auth.throttle.succeeded(await auth.throttle.reserve(address()))

    await fail_patiently(auth, 100)

    assert await minutes_to_wait(auth, address()) == 16


async def test_a_failure_that_began_after_a_success_stays_in_the_row(auth: AuthWorld) -> None:
    login = await auth.throttle.reserve(address())
    await fail(auth, 5, address())

    await auth.throttle.succeeded(login)

    (sixth,) = await auth.throttle.reserve(address())
    assert sixth.failures == 6


async def test_a_slow_success_does_not_end_the_wait_of_somebody_elses_failure(
    auth: AuthWorld,
) -> None:
    await fail(auth, 8, address())
    login = await auth.throttle.reserve(address())
    await auth.throttle.reserve(address())

    await auth.throttle.succeeded(login)

    assert await minutes_to_wait(auth, address()) == 1


async def test_taking_back_what_was_cleared_meanwhile_does_nothing(auth: AuthWorld) -> None:
    reserved = await auth.throttle.reserve(network(), address())
    await auth.throttle.clear(address())

    await auth.throttle.succeeded(reserved)

    await fail(auth, 10, address())
    assert await minutes_to_wait(auth, address()) == 1


async def test_of_many_at_once_exactly_the_budget_gets_through(auth: AuthWorld) -> None:
    async def guess() -> bool:
        try:
            await auth.throttle.reserve(network(), address())
        except LoginThrottledError:
            return False
        return True

    guesses = await asyncio.gather(*(guess() for _ in range(200)))

    assert sum(guesses) == 10
    await fail(auth, 10, network())
    assert await minutes_to_wait(auth, network()) == 1


async def test_many_who_come_and_go_at_once_are_not_in_each_others_way(auth: AuthWorld) -> None:
    async def log_in() -> None:
        await auth.throttle.succeeded(await auth.throttle.reserve(network(), address()))

    for _ in range(10):
        await asyncio.gather(*(log_in() for _ in range(8)))

    await fail(auth, 10, network(), address())


async def test_a_network_that_asks_for_too_many_mails_is_turned_away(auth: AuthWorld) -> None:
    mails = MailThrottle(auth.throttle, ThrottlePolicy.of())
    for n in range(100):
        await mails.admit(f"2001:db8::{n}")

    with pytest.raises(RequestsThrottledError):
        await mails.admit("2001:db8::ffff")

    await mails.admit("2001:db8:0:1::1")
