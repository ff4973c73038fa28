"""The first administrator, made by the operator."""

from __future__ import annotations

import pytest

from app.modules.auth.application.commands.create_admin import CreateAdminHandler
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.account import Role
from app.modules.auth.domain.errors import EmailTakenError, PasswordTooShortError
from app.modules.auth.testing import InMemoryAuth
from tests.factories import PASSWORD, START, AccountFactory, CreateAdminFactory


def handler(auth: InMemoryAuth) -> CreateAdminHandler:
    return CreateAdminHandler(auth.uow, auth.hasher, auth.password_policy, auth.clock)


async def test_an_administrator_is_made_with_a_verified_address() -> None:
    auth = InMemoryAuth()

    account_id = await handler(auth)(CreateAdminFactory.build(email="Root@Example.com"))

    account = auth.accounts.rows[account_id]
    assert account.email.key == "root@example.com"
    assert account.roles == {Role.USER, Role.ADMIN}
    assert account.email_verified_at == START
    assert account.password_hash == f"fake1:{PASSWORD}"
    assert auth.published == [AccountRegistered(account_id=account_id)]


async def test_an_address_that_is_taken_is_refused_and_gets_no_role() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())

    with pytest.raises(EmailTakenError):
        await handler(auth)(CreateAdminFactory.build(email=known.email.display))

    assert [account.roles for account in auth.accounts] == [{Role.USER}]
    assert auth.published == []


async def test_the_password_policy_holds_for_administrators() -> None:
    auth = InMemoryAuth()

    with pytest.raises(PasswordTooShortError):
        await handler(auth)(CreateAdminFactory.build(password="too short"))

    assert auth.hasher.runs == 0


def test_the_password_is_not_in_the_representation() -> None:
    message = CreateAdminFactory.build()

    assert PASSWORD not in repr(message)
