"""Every comparison of a password is counted before it is made."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from app.modules.auth.application.commands.log_in import LogIn, LogInHandler
from app.modules.auth.application.ports import PasswordCheck
from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    HashingOverloadedError,
    HashingQueueShareError,
    LoginThrottledError,
)
from app.modules.auth.domain.login_requirements import LoginRequirements
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device
from app.modules.auth.testing import FakePasswordHasher, InMemoryAuth
from app.shared.domain.errors import DomainError
from app.shared.domain.ids import new_id
from tests.factories import PASSWORD, START, AccountFactory, SessionFactory

WRONG = "seven loud otters juggle"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class FullHasher(FakePasswordHasher):
    """Has no room for one more comparison."""

    def __init__(self, refusal: DomainError) -> None:
        super().__init__()
        self._refusal = refusal

    async def check(
        self, password: str, password_hash: str | None, *, client: str | None = None
    ) -> PasswordCheck:
        raise self._refusal


class World(InMemoryAuth):
    """An account, and what tries to get into it."""

    def __init__(self) -> None:
        super().__init__()
        self.ada: Account = self.accounts.put(AccountFactory.build())

    async def log_in(
        self,
        password: str = PASSWORD,
        *,
        email: str | None = None,
        client: str | None = HERE,
        refresh_token: str | None = None,
    ) -> str:
        """What came of it: `done`, or the code of the refusal."""
        handle = LogInHandler(
            self.passwords,
            self.login_requirements,
            self.credentials,
            self.session_store,
            self.hasher,
            self.refresh_tokens,
            self.pairs,
            self.refresh_policy,
            self.clock,
        )
        message = LogIn(
            email=email or self.ada.email.display,
            password=password,
            device=Device(ip=client),
            refresh_token=refresh_token,
        )
        try:
            await handle(message)
        except DomainError as refusal:
            return refusal.code
        return "done"

    async def current(self, password: str = PASSWORD, client: str = HERE) -> str:
        try:
            known = await self.passwords.verify_current(self.ada.id, password, client)
        except DomainError as refusal:
            return refusal.code
        assert known.account_id == self.ada.id
        return "done"

    def token_of(self, session: Session, generation: int = 1) -> str:
        return self.refresh_tokens.mint(session.id, generation, self.refresh_tokens.current_kid)

    def session_of(self, account: Account, **more: object) -> Session:
        return self.sessions.put(SessionFactory.build(account_id=account.id, **more))


async def test_of_a_hundred_guesses_as_many_as_are_free_are_hashed() -> None:
    world = World()

    outcomes = [await world.log_in(WRONG) for _ in range(100)]

    assert outcomes == 10 * ["invalid_credentials"] + 90 * ["throttled"]
    assert world.hasher.runs == 10


async def test_an_unknown_address_is_throttled_like_a_known_one() -> None:
    known, unknown = World(), World()

    outcomes = [await known.log_in(WRONG) for _ in range(30)]

    assert outcomes == [await unknown.log_in(WRONG, email="eve@example.com") for _ in range(30)]
    assert known.hasher.runs == unknown.hasher.runs


async def test_every_spelling_of_an_address_shares_one_budget() -> None:
    world = World()
    key = world.ada.email.key

    for n in range(100):
        await world.log_in(WRONG, email=[key, key.upper(), f" {key}", f"{key}.", f"{key}\t"][n % 5])

    assert world.hasher.runs == 10


async def test_an_address_with_a_dot_at_its_end_is_nobodys_and_shares_the_budget() -> None:
    world = World()

    outcomes = [await world.log_in(email=f"{world.ada.email.key}.") for _ in range(10)]

    assert set(outcomes) == {"invalid_credentials"}
    assert await world.log_in() == "throttled"


async def test_guesses_from_everywhere_share_the_budget_of_the_address() -> None:
    world = World()

    for n in range(100):
        await world.log_in(WRONG, client=f"198.51.100.{n}")

    assert world.hasher.runs == 10


async def test_guesses_at_many_addresses_share_the_budget_of_the_network() -> None:
    world = World()

    for n in range(500):
        await world.log_in(WRONG, email=f"person{n}@example.org", client=f"2001:db8::{n:x}")

    assert world.hasher.runs == 100


async def test_the_right_password_is_turned_away_too_until_its_time_has_come() -> None:
    world = World()
    for _ in range(10):
        await world.log_in(WRONG)

    assert await world.log_in() == "throttled"
    world.clock.advance(1)
    assert await world.log_in() == "done"


async def test_nobody_is_throttled_by_logging_in() -> None:
    world = World()

    outcomes = {await world.log_in() for _ in range(300)}

    assert outcomes == {"done"}


async def test_all_that_ask_for_the_password_share_one_budget() -> None:
    world = World()

    outcomes = [
        await (world.log_in if n % 2 else world.current)(WRONG, client=HERE) for n in range(30)
    ]

    assert outcomes[:10] == 5 * ["current_password_wrong", "invalid_credentials"]
    assert set(outcomes[10:]) == {"throttled"}


async def test_the_current_password_gives_the_credentials_and_costs_nothing() -> None:
    world = World()

    outcomes = {await world.current() for _ in range(300)}

    assert outcomes == {"done"}


@pytest.mark.parametrize("impossible", ["a" * 100_000, "\ud800"])
async def test_what_can_be_nobodys_password_is_not_the_current_one(impossible: str) -> None:
    world = World()

    assert await world.current(impossible) == "current_password_wrong"
    assert world.hasher.runs == 0


async def test_an_account_that_is_gone_has_no_current_password() -> None:
    world = World()

    with pytest.raises(AccountDisabledError):
        await world.passwords.verify_current(new_id(), PASSWORD, HERE)


@pytest.mark.parametrize("refusal", [HashingOverloadedError(), HashingQueueShareError()])
async def test_what_was_never_hashed_is_not_counted(refusal: DomainError) -> None:
    world = World()
    hasher, world.hasher = world.hasher, FullHasher(refusal)
    for _ in range(300):
        assert await world.log_in(WRONG) == refusal.code

    world.hasher = hasher
    outcomes = [await world.log_in(WRONG) for _ in range(10)]

    assert set(outcomes) == {"invalid_credentials"}


async def test_whoever_hangs_up_has_guessed() -> None:
    world = World()

    class SlowHasher(FakePasswordHasher):
        async def check(
            self, password: str, password_hash: str | None, *, client: str | None = None
        ) -> PasswordCheck:
            await asyncio.Event().wait()
            raise AssertionError

    hasher, world.hasher = world.hasher, SlowHasher()
    for _ in range(10):
        attempt = asyncio.create_task(world.log_in(WRONG))
        await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt

    world.hasher = hasher
    assert await world.log_in() == "throttled"


@pytest.mark.parametrize("dead", [{}, {"revoked_at": START}], ids=["alive", "dead"])
async def test_a_device_that_was_logged_in_before_is_not_kept_out_by_strangers(
    dead: dict[str, object],
) -> None:
    world = World()
    token = world.token_of(world.session_of(world.ada, **dead))
    for n in range(100):
        await world.log_in(WRONG, client=f"198.51.100.{n}")
    assert await world.log_in() == "throttled"

    assert await world.log_in(refresh_token=token) == "done"


async def test_a_device_has_a_budget_that_ends_as_well() -> None:
    world = World()
    token = world.token_of(world.session_of(world.ada))

    outcomes = [await world.log_in(WRONG, refresh_token=token) for _ in range(30)]

    assert outcomes.count("invalid_credentials") == 10
    assert await world.log_in() == "done"


async def test_one_session_has_one_budget_whatever_the_generation_shown() -> None:
    world = World()
    session = world.session_of(world.ada)

    for n in range(30):
        await world.log_in(WRONG, refresh_token=world.token_of(session, generation=n))

    assert world.hasher.runs == 10


async def test_nobody_gets_a_budget_from_another_accounts_token_or_a_forged_one() -> None:
    world = World()
    stranger = world.session_of(world.accounts.put(AccountFactory.build()))
    unknown = world.refresh_tokens.mint(new_id(), 1, world.refresh_tokens.current_kid)
    tokens = [world.token_of(stranger), unknown, "forged", "", None]

    for n in range(100):
        await world.log_in(WRONG, refresh_token=tokens[n % len(tokens)])

    assert world.hasher.runs == 10


async def test_a_new_epoch_gives_the_device_a_new_budget() -> None:
    world = World()
    token = world.token_of(world.session_of(world.ada))
    for _ in range(30):
        await world.log_in(WRONG, refresh_token=token)

    world.accounts.rows[world.ada.id].auth_epoch += 1

    assert await world.log_in(refresh_token=token) == "done"


async def test_a_reset_clears_the_budget_of_the_address() -> None:
    world = World()
    for _ in range(30):
        await world.log_in(WRONG)

    await world.passwords.clear(world.ada.email.key)

    assert await world.log_in() == "done"


@pytest.mark.parametrize(
    ("required", "verified_at", "outcome"),
    [
        (False, None, "done"),
        (True, None, "invalid_credentials"),
        (True, START, "done"),
    ],
    ids=["optional", "required and unverified", "required and verified"],
)
async def test_whether_an_unverified_address_may_enter_is_a_requirement(
    required: bool, verified_at: datetime | None, outcome: str
) -> None:
    world = World()
    world.login_requirements = LoginRequirements(verified_address=required)
    world.accounts.rows[world.ada.id].email_verified_at = verified_at

    assert await world.log_in() == outcome
    assert world.hasher.runs == 1


async def test_who_may_not_enter_is_counted_like_a_wrong_password() -> None:
    world = World()
    world.accounts.rows[world.ada.id].status = AccountStatus.DISABLED

    outcomes = [await world.log_in() for _ in range(30)]

    assert outcomes == 10 * ["invalid_credentials"] + 20 * ["throttled"]


async def test_a_refusal_says_when_to_try_again() -> None:
    world = World()
    for _ in range(10):
        await world.log_in(WRONG)

    with pytest.raises(LoginThrottledError) as refusal:
        await world.passwords.verify_current(world.ada.id, WRONG, ELSEWHERE)

    assert refusal.value.retry_after == 1
