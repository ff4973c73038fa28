"""How often a password may be tried and a mail be asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil, log2

from app.modules.auth.domain.email_address import email_key
from app.modules.auth.domain.errors import LoginThrottledError, RequestsThrottledError
from app.shared.domain.errors import ThrottledError


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Some attempts at once; then a wait after each, twice as long every time, up to the longest.

    Attempts are forgiven one by one as time passes.
    """

    name: str
    refusal: type[ThrottledError]
    free: int
    wait: timedelta
    """After the attempt that uses up what is free."""
    longest_wait: timedelta
    forgiven_after: timedelta
    """How long it takes to forget one attempt."""
    memory: timedelta
    """How long the most that is ever remembered takes to be forgotten."""
    failures: int | None = None
    """After so many in a row, however long ago, nothing is tried any more."""

    @classmethod
    def growing(
        cls,
        name: str,
        *,
        free: int,
        wait: timedelta,
        longest_wait: timedelta,
        failures: int,
    ) -> Budget:
        """Of one secret that is guessed; an attempt is forgiven in an hour."""
        forgiven_after = timedelta(hours=1)
        doublings = ceil(log2(longest_wait / wait))
        return cls(
            name=name,
            refusal=LoginThrottledError,
            free=free,
            wait=wait,
            longest_wait=longest_wait,
            forgiven_after=forgiven_after,
            memory=(free + doublings + 1) * forgiven_after,
            failures=failures,
        )

    @classmethod
    def steady(
        cls, name: str, refusal: type[ThrottledError], number: int, per: timedelta
    ) -> Budget:
        """So many at once, and again as many over each such time."""
        every = per / number
        return cls(
            name=name,
            refusal=refusal,
            free=number,
            wait=every,
            longest_wait=every,
            forgiven_after=every,
            memory=(number + 1) * every,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottlePolicy:
    """Every budget there is."""

    password: Budget
    """Of an e-mail address, whether or not it has an account."""
    device: Budget
    """Of a device that has been logged in to the account before."""
    client: Budget
    """Of a network that passwords are tried from."""
    mail_requests: Budget
    """Of a network that mails are asked for from."""

    @classmethod
    def of(
        cls,
        *,
        free_attempts: int = 10,
        first_wait: timedelta = timedelta(seconds=1),
        longest_wait: timedelta = timedelta(minutes=15),
        failures_before_reset: int = 100,
        failures_per_client: int = 100,
        mail_requests_per_client: int = 100,
    ) -> ThrottlePolicy:
        """A client's failures are counted over a quarter of an hour, its requests over an hour."""
        password = Budget.growing(
            "password",
            free=free_attempts,
            wait=first_wait,
            longest_wait=longest_wait,
            failures=failures_before_reset,
        )
        return cls(
            password=password,
            device=replace(password, name="device"),
            client=Budget.steady(
                "client", LoginThrottledError, failures_per_client, timedelta(minutes=15)
            ),
            mail_requests=Budget.steady(
                "mail_requests",
                RequestsThrottledError,
                mail_requests_per_client,
                timedelta(hours=1),
            ),
        )


@lru_cache(maxsize=1024)
def network_of(client: str | None) -> str:
    """What one attacker has many addresses of: an IPv6 /64 (RFC 6177), or a whole IPv4 address.

    Clients without an address, behind a socket for example, are one client.
    """
    try:
        address = ip_address(client or "")
    except ValueError:
        return client or ""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


def mailbox_of(typed: str) -> str:
    """The name under which attempts at an e-mail address are counted, however it is spelled.

    What can be no address has no account to guess at, and a name all the same.
    """
    address = typed.strip(" \t").rstrip(".")
    return email_key(address) or address.lower()
