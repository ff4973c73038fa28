"""The query GetAccount, with its SQL."""

from __future__ import annotations

import pytest

from app.modules.auth.application.queries.get_account import (
    AccountView,
    GetAccount,
    GetAccountHandler,
)
from app.modules.auth.domain.errors import AccountDisabledError
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from app.shared.testing import as_account
from tests.integration.auth.conftest import StoreAccount


async def test_the_view_shows_the_account_as_it_is_stored(
    reader: AsyncpgReader, store_account: StoreAccount
) -> None:
    account = await store_account("Ada@Example.com")
    await store_account("bob@example.com")

    view = await GetAccountHandler(reader)(GetAccount(as_account(account.id)))

    assert view == AccountView(
        id=account.id,
        email="Ada@Example.com",
        email_verified=False,
        roles=["user"],
        locale="en",
        created_at=account.created_at,
    )


async def test_verification_and_roles_are_shown(
    reader: AsyncpgReader, statements: Statements, store_account: StoreAccount
) -> None:
    account = await store_account()
    await statements.rows(
        "update auth.account set email_verified_at = now(), roles = '{admin,user}'"
    )

    view = await GetAccountHandler(reader)(GetAccount(as_account(account.id)))

    assert (view.email_verified, view.roles) == (True, ["admin", "user"])


async def test_an_account_that_is_gone_is_refused(reader: AsyncpgReader) -> None:
    with pytest.raises(AccountDisabledError):
        await GetAccountHandler(reader)(GetAccount(as_account()))
