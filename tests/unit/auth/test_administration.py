"""What administrators do to accounts, and what keeps one of them in office."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from app.modules.auth.application.commands.change_roles import ChangeRoles, ChangeRolesHandler
from app.modules.auth.application.commands.disable_account import (
    DisableAccount,
    DisableAccountHandler,
)
from app.modules.auth.application.commands.enable_account import (
    EnableAccount,
    EnableAccountHandler,
)
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.administration import AccountNotFoundError, LastAdministratorError
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.testing import InMemoryAuth
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from app.shared.testing import as_account
from tests.factories import START, AccountFactory

ADMIN = frozenset({Role.USER, Role.ADMIN})
USER = frozenset({Role.USER})


def administrator(auth: InMemoryAuth) -> Principal:
    account = auth.accounts.put(AccountFactory.build(roles=ADMIN))
    return by(account)


def by(account: Account) -> Principal:
    return as_account(account.id, roles=frozenset(account.roles))


async def test_disabling_raises_the_epoch_and_revokes_in_one_commit() -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)
    account = auth.accounts.put(AccountFactory.build(auth_epoch=4))

    await DisableAccountHandler(auth.uow)(DisableAccount(admin, account.id))

    stored = auth.accounts.rows[account.id]
    assert (stored.status, stored.auth_epoch) == (AccountStatus.DISABLED, 5)
    assert stored.epoch_raised_at == auth.clock.now()
    assert auth.revoked == [Revocation(account_id=account.id, epoch=5)]
    assert auth.activity == [Activity.of(account.id, ActivityKind.ACCOUNT_DISABLED)]


def key_of(account_id: UUID) -> ApiKey:
    return ApiKey(
        id=new_id(),
        account_id=account_id,
        name="nightly job",
        kid="kid1",
        secret_hash=b"hash",
        scopes=("profile:read",),
        created_at=START,
    )


async def test_api_keys_of_a_disabled_account_do_not_come_back() -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)
    account = auth.accounts.put(AccountFactory.build())
    auth.api_keys.put(key_of(account.id))
    other = auth.api_keys.put(key_of(admin.account_id))

    await DisableAccountHandler(auth.uow)(DisableAccount(admin, account.id))
    await EnableAccountHandler(auth.uow)(EnableAccount(admin, account.id))

    assert [key.id for key in auth.api_keys] == [other.id]


async def test_disabling_and_enabling_again_change_nothing_more() -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)
    account = auth.accounts.put(AccountFactory.build())
    disable, enable = DisableAccountHandler(auth.uow), EnableAccountHandler(auth.uow)

    for _ in range(2):
        await disable(DisableAccount(admin, account.id))
    for _ in range(2):
        await enable(EnableAccount(admin, account.id))

    stored = auth.accounts.rows[account.id]
    assert (stored.status, stored.auth_epoch) == (AccountStatus.ACTIVE, 1)
    assert [line.what for line in auth.activity] == [
        ActivityKind.ACCOUNT_DISABLED,
        ActivityKind.ACCOUNT_ENABLED,
    ]


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [(USER, ADMIN, ADMIN), (USER, {Role.ADMIN}, ADMIN), (ADMIN, set(), USER), (ADMIN, USER, USER)],
)
async def test_new_roles_raise_the_epoch(
    before: frozenset[Role], wanted: set[Role], after: frozenset[Role]
) -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)
    account = auth.accounts.put(AccountFactory.build(roles=before))

    await ChangeRolesHandler(auth.uow)(ChangeRoles(admin, account.id, frozenset(wanted)))

    stored = auth.accounts.rows[account.id]
    assert (stored.roles, stored.auth_epoch) == (after, 1)
    assert auth.revoked == [Revocation(account_id=account.id, epoch=1)]
    assert auth.activity == [Activity.of(account.id, ActivityKind.ROLES_CHANGED)]


async def test_the_same_roles_change_nothing() -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)
    account = auth.accounts.put(AccountFactory.build())

    await ChangeRolesHandler(auth.uow)(ChangeRoles(admin, account.id, frozenset()))

    assert auth.accounts.rows[account.id].auth_epoch == 0
    assert (auth.revoked, auth.activity) == ([], [])


async def test_the_last_administrator_is_neither_disabled_nor_demoted() -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)
    auth.accounts.put(AccountFactory.build(roles=ADMIN, status=AccountStatus.DISABLED))

    with pytest.raises(LastAdministratorError):
        await DisableAccountHandler(auth.uow)(DisableAccount(admin, admin.account_id))
    with pytest.raises(LastAdministratorError):
        await ChangeRolesHandler(auth.uow)(ChangeRoles(admin, admin.account_id, USER))

    assert auth.accounts.rows[admin.account_id].auth_epoch == 0


async def test_of_many_who_demote_each_other_at_once_one_stays() -> None:
    auth = InMemoryAuth()
    admins = [administrator(auth) for _ in range(5)]
    change = ChangeRolesHandler(auth.uow)

    await asyncio.gather(
        *(
            change(ChangeRoles(actor, target.account_id, USER))
            for actor in admins
            for target in admins
        ),
        return_exceptions=True,
    )

    assert sum(account.is_admin for account in auth.accounts) == 1


async def test_whoever_was_demoted_a_moment_ago_acts_no_more() -> None:
    auth = InMemoryAuth()
    administrator(auth)
    demoted = by(auth.accounts.put(AccountFactory.build(roles=ADMIN)))
    auth.accounts.rows[demoted.account_id].roles = USER
    account = auth.accounts.put(AccountFactory.build())

    with pytest.raises(AccessForbiddenError):
        await DisableAccountHandler(auth.uow)(DisableAccount(demoted, account.id))
    with pytest.raises(AccessForbiddenError):
        await EnableAccountHandler(auth.uow)(EnableAccount(demoted, account.id))
    with pytest.raises(AccessForbiddenError):
        await ChangeRolesHandler(auth.uow)(ChangeRoles(demoted, account.id, ADMIN))

    assert auth.accounts.rows[account.id].is_active


async def test_an_account_that_does_not_exist_is_not_found() -> None:
    auth = InMemoryAuth()
    admin = administrator(auth)

    with pytest.raises(AccountNotFoundError):
        await DisableAccountHandler(auth.uow)(DisableAccount(admin, new_id()))
    with pytest.raises(AccountNotFoundError):
        await EnableAccountHandler(auth.uow)(EnableAccount(admin, new_id()))
    with pytest.raises(AccountNotFoundError):
        await ChangeRolesHandler(auth.uow)(ChangeRoles(admin, new_id(), ADMIN))
