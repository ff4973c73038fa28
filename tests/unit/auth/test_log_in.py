"""Logging in: one answer to every failure, after the same work."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from uuid import UUID

import pytest

from app.modules.auth.application.commands.log_in import LogInHandler
from app.modules.auth.application.credentials import Credentials
from app.modules.auth.domain.account import AccountStatus, Role
from app.modules.auth.domain.errors import (
    HashingOverloadedError,
    HashingQueueShareError,
    InvalidCredentialsError,
)
from app.modules.auth.domain.session_values import Device
from app.modules.auth.testing import FakePasswordHasher, InMemoryAuth, InMemoryCredentialStore
from app.shared.domain.errors import DomainError
from tests.factories import PASSWORD, START, AccountFactory, LogInFactory


class BusyHasher(FakePasswordHasher):
    """Still compares, and has no permit left for a new hash."""

    def __init__(self, refusal: DomainError) -> None:
        super().__init__()
        self._refusal = refusal

    async def hash(self, password: str, *, client: str | None = None) -> str:
        raise self._refusal


def handler(auth: InMemoryAuth) -> LogInHandler:
    return LogInHandler(
        auth.passwords,
        auth.login_requirements,
        auth.credentials,
        auth.session_store,
        auth.hasher,
        auth.refresh_tokens,
        auth.pairs,
        auth.refresh_policy,
        auth.clock,
    )


async def test_the_right_password_opens_a_session_and_mints_its_first_pair() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(
        AccountFactory.build(auth_epoch=4, roles=frozenset({Role.USER, Role.ADMIN}))
    )

    pair = await handler(auth)(LogInFactory.build(email=known.email.display))

    (session,) = auth.sessions
    assert (session.account_id, session.epoch, session.generation) == (known.id, 4, 1)
    presented = auth.refresh_tokens.parse(pair.refresh_token)
    assert (presented.session_id, presented.generation) == (session.id, 1)
    claims = auth.access_tokens.verify(pair.access_token)
    assert (claims.session_id, claims.generation, claims.epoch) == (session.id, 1, 4)
    assert claims.roles == {"user", "admin"}
    assert claims.authenticated_at == START


async def test_the_lifetimes_of_the_pair_are_seconds_from_now() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())

    pair = await handler(auth)(LogInFactory.build(email=known.email.display))

    assert pair.expires_in == 600
    assert pair.refresh_expires_in == timedelta(days=14).total_seconds()


async def test_the_device_is_noted_for_its_owner() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())
    device = Device(label="phone", user_agent="agent", ip="192.0.2.1")

    await handler(auth)(LogInFactory.build(email=known.email.display, device=device))

    (session,) = auth.sessions
    assert (session.label, session.user_agent, session.ip) == ("phone", "agent", "192.0.2.1")


async def test_each_login_is_a_session_of_its_own() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())

    first = await handler(auth)(LogInFactory.build(email=known.email.display))
    second = await handler(auth)(LogInFactory.build(email=known.email.display))

    assert len(auth.sessions) == 2
    assert first.refresh_token != second.refresh_token


async def test_any_spelling_of_the_address_and_of_the_password_is_accepted() -> None:
    auth = InMemoryAuth()
    password = "crème brûlée every sunday"
    known = auth.accounts.put(AccountFactory.build(password_hash=f"fake1:{password}"))

    await handler(auth)(
        LogInFactory.build(
            email=f" {known.email.display.upper()}\t",
            password=unicodedata.normalize("NFD", password),
        )
    )

    assert len(auth.sessions) == 1


@pytest.mark.parametrize("email", ["known", "nobody@example.com", "not an address"])
async def test_a_wrong_password_and_an_unknown_address_fail_alike_after_equal_work(
    email: str,
) -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())
    email = known.email.display if email == "known" else email

    with pytest.raises(InvalidCredentialsError):
        await handler(auth)(LogInFactory.build(email=email, password="not the password"))

    assert auth.hasher.runs == 1
    assert not auth.sessions


async def test_a_disabled_account_fails_as_a_wrong_password_does() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build(status=AccountStatus.DISABLED))

    with pytest.raises(InvalidCredentialsError):
        await handler(auth)(LogInFactory.build(email=known.email.display))

    assert auth.hasher.runs == 1
    assert not auth.sessions


@pytest.mark.parametrize("password", ["x" * 5_000, "\ud800 lone surrogate"])
@pytest.mark.parametrize("known", [True, False])
async def test_what_can_be_nobodys_password_costs_nothing_for_any_address(
    password: str, known: bool
) -> None:
    auth = InMemoryAuth()
    account = AccountFactory.build()
    if known:
        auth.accounts.put(account)

    with pytest.raises(InvalidCredentialsError):
        await handler(auth)(LogInFactory.build(email=account.email.display, password=password))

    assert auth.hasher.runs == 0


async def test_a_hash_of_older_parameters_is_replaced_at_login() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())
    auth.hasher.scheme = "fake2"

    await handler(auth)(LogInFactory.build(email=known.email.display))

    assert auth.accounts.rows[known.id].password_hash == f"fake2:{PASSWORD}"


async def test_a_wrong_password_replaces_no_hash() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())
    auth.hasher.scheme = "fake2"

    with pytest.raises(InvalidCredentialsError):
        await handler(auth)(LogInFactory.build(email=known.email.display, password="wrong one"))

    assert auth.accounts.rows[known.id].password_hash == known.password_hash


async def test_a_login_holds_the_epoch_that_was_read_with_its_hash() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build(auth_epoch=1))
    auth.credentials = EpochRaisedMeanwhile(auth)
    auth.hasher.scheme = "fake2"

    await handler(auth)(LogInFactory.build(email=known.email.display))

    (session,) = auth.sessions
    assert session.epoch == 1
    assert auth.accounts.rows[known.id].password_hash == known.password_hash


def test_neither_the_address_nor_the_password_is_in_the_representation() -> None:
    message = LogInFactory.build(email="ada@example.com")

    assert "ada" not in repr(message)
    assert PASSWORD not in repr(message)


async def test_no_token_is_in_the_representation_of_a_pair() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())

    pair = await handler(auth)(LogInFactory.build(email=known.email.display))

    assert pair.access_token not in repr(pair)
    assert pair.refresh_token not in repr(pair)


class EpochRaisedMeanwhile(InMemoryCredentialStore):
    """Everything issued so far is declared void right after the hash was read."""

    def __init__(self, auth: InMemoryAuth) -> None:
        super().__init__(auth.accounts, auth.sessions)

    async def of(self, email_key: str, *, session_id: UUID | None = None) -> Credentials | None:
        credentials = await super().of(email_key, session_id=session_id)
        for account in self._accounts:
            account.auth_epoch += 1
        return credentials


@pytest.mark.parametrize("refusal", [HashingOverloadedError(), HashingQueueShareError()])
async def test_a_full_queue_puts_off_the_new_hash_and_not_the_login(refusal: DomainError) -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())
    auth.hasher = BusyHasher(refusal)
    auth.hasher.scheme = "fake2"

    await handler(auth)(LogInFactory.build(email=known.email.display))

    assert len(auth.sessions) == 1
    assert auth.accounts.rows[known.id].password_hash == known.password_hash
