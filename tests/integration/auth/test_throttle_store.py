"""The throttle on PostgreSQL: shared by processes, equal for all, and naming nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.modules.auth.application.audit import SecurityEvent
from app.modules.auth.application.commands.log_in import LogIn, LogInHandler
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.throttling import Charge
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import LoginThrottledError
from app.modules.auth.domain.throttling import ThrottlePolicy
from app.modules.auth.infrastructure.credential_store import AsyncpgCredentialStore
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.expiry import Expiry
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.throttle_store import AsyncpgThrottle
from app.modules.auth.testing import FakePasswordHasher, InMemoryAuth
from app.shared.application.reader import Row
from app.shared.domain.errors import DomainError
from app.shared.infrastructure.statements import Statements
from app.shared.testing import FixedClock
from tests.integration.auth.conftest import StoreAccount

POLICY = ThrottlePolicy.of(first_wait=timedelta(minutes=1))
PUBLISH_AHEAD = timedelta(minutes=5)
ADDRESS = "ada@example.com"
CLIENT = "192.0.2.1"


class RecordingStatements(Statements):
    """Remembers what it was asked."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        super().__init__(url, pool_size=pool_size, pool_timeout=60, connect_timeout=60)
        self.asked: list[str] = []

    async def row(self, sql: str, *args: Any) -> Row | None:
        self.asked.append(sql)
        return await super().row(sql, *args)

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
        self.asked.append(sql)
        return await super().rows(sql, *args)


@pytest.fixture
async def process(database: str) -> AsyncIterator[RecordingStatements]:
    statements = RecordingStatements(database)
    yield statements
    await statements.close()


@pytest.fixture
async def another_process(database: str) -> AsyncIterator[RecordingStatements]:
    statements = RecordingStatements(database)
    yield statements
    await statements.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def ring(tmp_path: Path, clock: FixedClock) -> KeyRing:
    return KeyRing.ensure(tmp_path / "keys", clock, publish_ahead=PUBLISH_AHEAD)


def throttle_of(statements: Statements, ring: KeyRing) -> AsyncpgThrottle:
    return AsyncpgThrottle(statements, DerivedKeys(ring, b"throttle"))


def gate_of(statements: Statements, ring: KeyRing, hasher: FakePasswordHasher) -> PasswordGate:
    credentials = AsyncpgCredentialStore(statements)
    return PasswordGate(credentials, throttle_of(statements, ring), hasher, POLICY)


def log_in_of(statements: Statements, ring: KeyRing, *accounts: Account) -> LogInHandler:
    """With the sessions in memory: what is left is what every attempt costs."""
    auth = InMemoryAuth()
    for account in accounts:
        auth.accounts.put(account)
    return LogInHandler(
        gate_of(statements, ring, auth.hasher),
        auth.login_requirements,
        AsyncpgCredentialStore(statements),
        auth.session_store,
        auth.hasher,
        auth.refresh_tokens,
        auth.pairs,
        auth.refresh_policy,
        auth.clock,
    )


async def with_password(account: Account, password: str, statements: Statements) -> None:
    await statements.rows(
        "update auth.account set password_hash = $2 where id = $1", account.id, f"fake1:{password}"
    )


async def test_two_hundred_guesses_at_once_at_two_processes_are_hashed_ten_times(
    process: RecordingStatements, another_process: RecordingStatements, ring: KeyRing
) -> None:
    hasher = FakePasswordHasher()
    gates = [gate_of(statements, ring, hasher) for statements in (process, another_process)]

    async def guess(n: int) -> None:
        with suppress(LoginThrottledError):
            await gates[n % 2].attempt(
                SecurityEvent.LOGIN, "wrong", None, mailbox=ADDRESS, client=f"198.51.100.{n}"
            )

    await asyncio.gather(*(guess(n) for n in range(200)))

    assert hasher.runs == 10


@pytest.mark.parametrize("guesses_before", [0, 10], ids=["let through", "turned away"])
async def test_a_guess_at_a_known_address_costs_the_statements_of_one_at_an_unknown_one(
    process: RecordingStatements,
    ring: KeyRing,
    store_account: StoreAccount,
    guesses_before: int,
) -> None:
    await store_account(ADDRESS)
    log_in = log_in_of(process, ring)
    asked: list[list[str]] = []

    for email in (ADDRESS, "nobody@example.com"):
        for _ in range(guesses_before + 1):
            process.asked.clear()
            with pytest.raises(DomainError):
                await log_in(LogIn(email=email, password="wrong"))
        asked.append(list(process.asked))

    assert asked[0] == asked[1]
    assert len(asked[0]) == (3 if guesses_before else 2)


async def test_a_login_takes_two_statements_beside_its_session(
    process: RecordingStatements, ring: KeyRing, store_account: StoreAccount
) -> None:
    account = await store_account(ADDRESS)
    await with_password(account, "right", process)
    log_in = log_in_of(process, ring, account)
    process.asked.clear()

    await log_in(LogIn(email=ADDRESS, password="right"))

    assert len(process.asked) == 2


async def test_a_dump_of_the_table_names_neither_the_address_nor_the_network(
    process: RecordingStatements, ring: KeyRing
) -> None:
    throttle = throttle_of(process, ring)

    await throttle.reserve(Charge(POLICY.client, CLIENT), Charge(POLICY.password, ADDRESS))

    dumped = [bytes(row["key"]) for row in await process.rows("select key from auth.throttle")]
    assert len(dumped) == 2
    for key in dumped:
        assert len(key) == 32
        assert ADDRESS.encode() not in key
        assert CLIENT.encode() not in key


async def test_processes_with_the_same_secret_count_together_and_with_another_apart(
    process: RecordingStatements, ring: KeyRing, clock: FixedClock, tmp_path: Path
) -> None:
    charge = Charge(POLICY.password, ADDRESS)
    same = KeyRing(tmp_path / "keys", clock, publish_ahead=PUBLISH_AHEAD)
    other = KeyRing.ensure(tmp_path / "others", clock, publish_ahead=PUBLISH_AHEAD)

    first = await throttle_of(process, ring).reserve(charge)
    second = await throttle_of(process, same).reserve(charge)
    apart = await throttle_of(process, other).reserve(charge)

    assert [made[0].failures for made in (first, second, apart)] == [1, 2, 1]


async def test_forgetting_does_not_get_in_the_way_of_those_who_log_in(
    process: RecordingStatements, another_process: RecordingStatements, ring: KeyRing
) -> None:
    throttle = throttle_of(process, ring)
    expiry = Expiry(another_process, remembered=timedelta(0))

    async def log_in(n: int) -> None:
        for turn in range(20):
            client = Charge(POLICY.client, f"{(n + turn) % 7}")
            with suppress(LoginThrottledError):
                await throttle.succeeded(
                    await throttle.reserve(client, Charge(POLICY.password, f"{n}"))
                )

    logging_in = asyncio.gather(*(log_in(n) for n in range(9)))
    forgotten = 0
    while not logging_in.done():
        forgotten += await expiry.forget_attempts()
    await logging_in

    assert forgotten > 0
