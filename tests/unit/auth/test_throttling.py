"""Whose attempts are counted together, and how much the budgets hold."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.throttling import Charge
from app.modules.auth.domain.throttling import Budget, ThrottlePolicy, mailbox_of, network_of
from app.modules.auth.testing.throttle import wait_after


@pytest.mark.parametrize(
    "client",
    [
        "2001:db8:1:2::1",
        "2001:db8:1:2:ffff:ffff:ffff:ffff",
        "2001:0DB8:0001:0002:0:0:0:1",
        "2001:db8:1:2::1%eth0",
    ],
)
def test_the_addresses_of_an_ipv6_64_are_one_client(client: str) -> None:
    assert network_of(client) == "2001:db8:1:2::/64"


@pytest.mark.parametrize("client", ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"])
def test_an_ipv4_address_is_a_client_however_it_is_written(client: str) -> None:
    assert network_of(client) == "192.0.2.1"


def test_the_next_address_and_the_next_64_are_other_clients() -> None:
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")


@pytest.mark.parametrize("client", [None, "", "testclient", "999.0.2.1", "1.2.3.4, 5.6.7.8"])
def test_what_is_no_address_is_a_client_all_the_same(client: str | None) -> None:
    assert network_of(client) == (client or "")


@pytest.mark.parametrize(
    "spelling",
    [
        *("ada@example.com", "ADA@example.com", "ada@EXAMPLE.com", "ada@example.com."),
        *(" ada@example.com", "ada@example.com\t", "Ada@Example.Com. ", "ada@example.com.."),
    ],
)
def test_every_spelling_of_an_address_is_one_mailbox(spelling: str) -> None:
    assert mailbox_of(spelling) == "ada@example.com"


@pytest.mark.parametrize("typed", ["", "ada", "@", "ada@", "Ada@Example", "a b@example.com", "\0"])
def test_what_is_no_address_is_counted_as_it_is(typed: str) -> None:
    assert mailbox_of(typed) == typed.lower()


def test_the_waits_double_up_to_the_longest() -> None:
    budget = ThrottlePolicy.of().password

    waits = [wait_after(budget, made).total_seconds() for made in range(1, 23)]

    assert waits == [*9 * [0], 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


@pytest.mark.parametrize("free", [1, 10, 100])
@pytest.mark.parametrize("longest", [1, 2, 900, 86_400])
def test_whatever_the_settings_the_longest_wait_is_reached(free: int, longest: int) -> None:
    budget = Budget.growing(
        "b",
        free=free,
        wait=timedelta(seconds=1),
        longest_wait=timedelta(seconds=longest),
        failures=100,
    )

    held = budget.memory // budget.forgiven_after

    assert wait_after(budget, held) == timedelta(seconds=longest)


def test_neither_the_address_nor_the_network_is_in_the_representation_of_a_charge() -> None:
    assert "ada" not in repr(Charge(ThrottlePolicy.of().password, "ada@example.com"))
