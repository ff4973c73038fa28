"""What every minter of tokens and every hasher promises."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from app.modules.auth.application.ports import (
    AccessClaims,
    AccessTokens,
    PasswordHasher,
    PresentedRefreshToken,
    RefreshTokens,
)
from app.modules.auth.domain.errors import TokenExpiredError, TokenInvalidError
from app.modules.auth.infrastructure.access_tokens import AccessTokenPolicy, JwtAccessTokens
from app.modules.auth.infrastructure.argon2_password_hasher import (
    Argon2Parameters,
    Argon2PasswordHasher,
)
from app.modules.auth.infrastructure.hashing_pool import HashingPool
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.modules.auth.testing import FakeAccessTokens, FakePasswordHasher, FakeRefreshTokens
from app.shared.domain.ids import new_id
from app.shared.testing import FixedClock
from tests.factories import START

PUBLISH_AHEAD = timedelta(minutes=5)
CHEAP = Argon2Parameters(memory_kib=8, iterations=1)
OTHER = Argon2Parameters(memory_kib=16, iterations=1)


# Refresh tokens


class Refresh(NamedTuple):
    tokens: RefreshTokens
    rotate: Callable[[], None]
    forget: Callable[[str], None]


@pytest.fixture(params=["fake", "hmac"])
def refresh(request: pytest.FixtureRequest, tmp_path: Path) -> Refresh:
    if request.param == "fake":
        fake, numbers = FakeRefreshTokens(), itertools.count(2)
        return Refresh(fake, lambda: fake.rotate(f"kid{next(numbers)}"), fake.forget)
    clock = FixedClock()
    ring = KeyRing.ensure(tmp_path, clock, publish_ahead=PUBLISH_AHEAD)

    def rotate() -> None:
        clock.advance(1)
        ring.rotate("refresh")
        clock.advance(PUBLISH_AHEAD)

    def forget(kid: str) -> None:
        (tmp_path / f"{kid}.secret").unlink()
        ring.refresh()

    return Refresh(HmacRefreshTokens(ring, issuer="https://example.com"), rotate, forget)


@pytest.mark.parametrize("generation", [0, 1, 42, 2**31 - 1])
def test_a_refresh_token_says_what_it_was_minted_for(refresh: Refresh, generation: int) -> None:
    session_id, kid = new_id(), refresh.tokens.current_kid

    token = refresh.tokens.mint(session_id, generation, kid)

    assert refresh.tokens.parse(token) == PresentedRefreshToken(kid, session_id, generation)


def test_a_refresh_token_can_always_be_derived_again(refresh: Refresh) -> None:
    session_id, kid = new_id(), refresh.tokens.current_kid
    token = refresh.tokens.mint(session_id, 7, kid)

    refresh.rotate()

    assert refresh.tokens.mint(session_id, 7, kid) == token


def test_a_rotation_changes_the_secret_and_keeps_the_old_tokens(refresh: Refresh) -> None:
    session_id, old = new_id(), refresh.tokens.current_kid
    token = refresh.tokens.mint(session_id, 1, old)

    refresh.rotate()

    assert refresh.tokens.current_kid != old
    assert refresh.tokens.parse(token).kid == old


def test_generations_sessions_and_secrets_have_different_tokens(refresh: Refresh) -> None:
    first, second, old = new_id(), new_id(), refresh.tokens.current_kid
    refresh.rotate()
    kids = (old, refresh.tokens.current_kid)

    minted = [
        refresh.tokens.mint(session_id, generation, kid)
        for session_id in (first, second)
        for generation in (1, 2)
        for kid in kids
    ]

    assert len(set(minted)) == 8


def test_a_secret_that_is_gone_neither_mints_nor_recognises(refresh: Refresh) -> None:
    session_id, old = new_id(), refresh.tokens.current_kid
    token = refresh.tokens.mint(session_id, 1, old)
    refresh.rotate()

    refresh.forget(old)

    with pytest.raises(TokenInvalidError):
        refresh.tokens.parse(token)
    with pytest.raises(TokenInvalidError):
        refresh.tokens.mint(session_id, 2, old)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: "nonsense",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token + ".",
        lambda token: token.upper(),
        lambda token: token.replace(".7", ".07"),
        lambda token: token.replace(".7", ".-7"),
        lambda token: token.replace(".7", ".\u0667"),
        lambda token: token.partition(".")[2],
    ],
)
def test_what_we_did_not_mint_is_refused(refresh: Refresh, spoil: Callable[[str], str]) -> None:
    token = refresh.tokens.mint(new_id(), 7, refresh.tokens.current_kid)

    with pytest.raises(TokenInvalidError):
        refresh.tokens.parse(spoil(token))


# Access tokens


class Access(NamedTuple):
    tokens: AccessTokens
    clock: FixedClock


@pytest.fixture(params=["fake", "jwt"])
def access(request: pytest.FixtureRequest, tmp_path: Path) -> Access:
    clock = FixedClock()
    if request.param == "fake":
        return Access(FakeAccessTokens(clock), clock)
    policy = AccessTokenPolicy(
        issuer="https://example.com",
        audience="api",
        client_id="app",
        lifetime=timedelta(minutes=10),
        jitter=timedelta(0),
        leeway=timedelta(0),
    )
    ring = KeyRing.ensure(tmp_path, clock, publish_ahead=PUBLISH_AHEAD)
    return Access(JwtAccessTokens(ring, clock, policy), clock)


def claims(ends_in: timedelta = timedelta(days=30)) -> AccessClaims:
    return AccessClaims(
        account_id=new_id(),
        session_id=new_id(),
        generation=3,
        epoch=2,
        roles=frozenset({"user", "admin"}),
        authenticated_at=START,
        session_ends_at=START + ends_in,
    )


def test_an_access_token_says_what_it_was_minted_for_and_when_it_ends(access: Access) -> None:
    given = claims()

    token = access.tokens.mint(given)

    ends_at = START + timedelta(minutes=10)
    assert access.tokens.verify(token.value) == replace(given, session_ends_at=ends_at)
    assert token.expires_in == 600


def test_two_access_tokens_are_never_the_same(access: Access) -> None:
    given = claims()

    assert access.tokens.mint(given).value != access.tokens.mint(given).value


def test_an_expired_access_token_is_good_for_its_signature_only(access: Access) -> None:
    given = claims()
    token = access.tokens.mint(given)
    access.clock.advance(timedelta(minutes=10))

    with pytest.raises(TokenExpiredError):
        access.tokens.verify(token.value)

    assert access.tokens.verify_signature(token.value).session_id == given.session_id


def test_an_access_token_lives_until_its_last_second(access: Access) -> None:
    token = access.tokens.mint(claims())
    access.clock.advance(599)

    assert access.tokens.verify(token.value).generation == 3


def test_no_access_token_outlives_its_session(access: Access) -> None:
    token = access.tokens.mint(claims(ends_in=timedelta(minutes=1)))
    access.clock.advance(60)

    assert token.expires_in == 60
    with pytest.raises(TokenExpiredError):
        access.tokens.verify(token.value)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "access.0"])
def test_a_foreign_access_token_is_refused(access: Access, token: str) -> None:
    with pytest.raises(TokenInvalidError):
        access.tokens.verify(token)
    with pytest.raises(TokenInvalidError):
        access.tokens.verify_signature(token)


def test_no_access_token_shows_in_a_representation(access: Access) -> None:
    token = access.tokens.mint(claims())

    assert token.value not in repr(token)


# Passwords


class Passwords(NamedTuple):
    hasher: PasswordHasher
    yesterdays: PasswordHasher


@pytest.fixture(params=["fake", "argon2"])
async def passwords(request: pytest.FixtureRequest) -> AsyncIterator[Passwords]:
    if request.param == "fake":
        yesterdays = FakePasswordHasher()
        yesterdays.scheme = "fake0"
        yield Passwords(FakePasswordHasher(), yesterdays)
        return
    pool = HashingPool(2)
    yield Passwords(Argon2PasswordHasher(pool, CHEAP), Argon2PasswordHasher(pool, OTHER))
    await pool.close()


async def test_a_password_matches_its_own_hash_only(passwords: Passwords) -> None:
    stored = await passwords.hasher.hash("mine")

    assert (await passwords.hasher.check("mine", stored)).matches
    assert not (await passwords.hasher.check("yours", stored)).matches


async def test_todays_hash_is_not_outdated(passwords: Passwords) -> None:
    stored = await passwords.hasher.hash("mine")

    assert not (await passwords.hasher.check("mine", stored)).outdated


async def test_yesterdays_hash_still_matches_and_is_outdated(passwords: Passwords) -> None:
    stored = await passwords.yesterdays.hash("mine")

    check = await passwords.hasher.check("mine", stored)

    assert (check.matches, check.outdated) == (True, True)


async def test_a_wrong_password_says_nothing_about_the_hash(passwords: Passwords) -> None:
    stored = await passwords.yesterdays.hash("mine")

    check = await passwords.hasher.check("yours", stored)

    assert (check.matches, check.outdated) == (False, False)


@pytest.mark.parametrize("stored", [None, "", "nonsense"])
@pytest.mark.parametrize("password", ["", "mine"])
async def test_without_a_usable_hash_nothing_matches(
    passwords: Passwords, password: str, stored: str | None
) -> None:
    assert not (await passwords.hasher.check(password, stored)).matches
