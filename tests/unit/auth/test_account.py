"""What an account remembers of its making."""

from __future__ import annotations

import pytest

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.email_address import EmailAddress
from tests.factories import START, AccountFactory

EMAIL = EmailAddress.parse("Ada@Example.com")


def test_a_new_account_is_an_active_user_whose_address_is_unverified() -> None:
    account = Account.register(email=EMAIL, password_hash="hash", now=START)

    assert account.is_active
    assert account.roles == {Role.USER}
    assert account.email_verified_at is None
    assert account.auth_epoch == 0


def test_registering_is_recorded_without_the_address() -> None:
    account = Account.register(email=EMAIL, password_hash="hash", now=START)

    assert account.collect_events() == [AccountRegistered(account_id=account.id)]


def test_an_administrator_is_an_account_like_any_other_whose_address_is_vouched_for() -> None:
    account = Account.appoint_admin(email=EMAIL, password_hash="hash", now=START)

    assert account.roles == {Role.USER, Role.ADMIN}
    assert account.email_verified_at == START
    assert account.collect_events() == [AccountRegistered(account_id=account.id)]


def test_a_deleted_account_says_so_and_voids_what_was_issued() -> None:
    account = AccountFactory.build()

    account.delete(START)

    assert account.collect_events() == [AccountDeleted(account_id=account.id)]
    assert account.auth_epoch == 1


def test_whoever_changes_a_password_or_roles_or_the_status_voids_what_was_issued() -> None:
    account = AccountFactory.build()

    account.change_password("other", START)
    account.reset_password("third", START)
    account.change_roles(frozenset({Role.ADMIN}), START)
    account.disable(START)

    assert account.auth_epoch == 4
    assert account.epoch_raised_at == START
    assert account.roles == {Role.USER, Role.ADMIN}
    assert account.is_verified


def test_events_are_handed_over_once() -> None:
    account = Account.register(email=EMAIL, password_hash="hash", now=START)
    account.collect_events()

    assert account.collect_events() == []


@pytest.mark.parametrize(
    ("status", "active"), [(AccountStatus.ACTIVE, True), (AccountStatus.DISABLED, False)]
)
def test_only_an_active_account_is_active(status: AccountStatus, active: bool) -> None:
    account = AccountFactory.build(status=status)

    assert account.is_active is active


def test_the_password_hash_is_not_in_the_representation() -> None:
    account = AccountFactory.build(password_hash="the-hash")

    assert "the-hash" not in repr(account)


def test_accounts_get_ids_that_sort_by_the_time_of_their_making() -> None:
    made = [Account.register(email=EMAIL, password_hash="h", now=START) for _ in range(3)]

    assert [account.id for account in made] == sorted(account.id for account in made)
    assert {account.id.version for account in made} == {7}
