"""Who is let in by an API key, and as what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.modules.auth.application.api_key_authenticator import (
    ApiKeyAuthenticator,
    BearerAuthenticator,
)
from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    TokenError,
    TokenExpiredError,
    TokenInvalidError,
)
from app.modules.auth.testing import InMemoryAuth
from app.shared.application.authorization import AccessForbiddenError, accounts, admins
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from tests.factories import START, AccountFactory


def guard(auth: InMemoryAuth) -> ApiKeyAuthenticator:
    return ApiKeyAuthenticator(
        auth.api_key_tokens, auth.api_key_store, auth.api_key_uses, auth.clock
    )


def with_key(
    auth: InMemoryAuth, *scopes: str, expires_in: timedelta | None = None, roles: str = "user"
) -> tuple[Account, ApiKey, str]:
    account = auth.accounts.put(AccountFactory.build(roles=frozenset({Role.USER, Role(roles)})))
    key_id = new_id()
    token = auth.api_key_tokens.mint(key_id, "kid1")
    key = ApiKey(
        id=key_id,
        account_id=account.id,
        name="report",
        kid="kid1",
        secret_hash=auth.api_key_tokens.parse(token).secret_hash,
        scopes=scopes or ("profile:read",),
        created_at=START,
        expires_at=None if expires_in is None else START + expires_in,
    )
    return account, auth.api_keys.put(key), token


async def test_an_api_key_names_its_account_without_a_session_and_its_scopes() -> None:
    auth = InMemoryAuth()
    account, _, token = with_key(auth, "profile:read", "profile:write")

    caller = await guard(auth).authenticate(token)

    assert caller == Principal(
        account_id=account.id,
        roles=frozenset({"user"}),
        scopes=frozenset({"profile:read", "profile:write"}),
        fresh=True,
    )


async def test_a_use_is_noted_and_a_refusal_is_not() -> None:
    auth = InMemoryAuth()
    _, key, token = with_key(auth)
    with pytest.raises(TokenInvalidError):
        await guard(auth).authenticate(f"{token}x")
    assert auth.api_key_uses.last == {}

    await guard(auth).authenticate(token)

    assert auth.api_key_uses.last == {key.id: auth.clock.now()}


@pytest.mark.parametrize("token", [f"ak1.{UUID(int=1)}.kid1", "ak1.nonsense", "ak1.", ""])
async def test_what_is_no_key_of_ours_is_refused(token: str) -> None:
    with pytest.raises(TokenInvalidError):
        await guard(InMemoryAuth()).authenticate(token)


async def test_the_id_of_a_key_is_nothing_without_its_secret() -> None:
    auth = InMemoryAuth()
    _, key, _ = with_key(auth)

    with pytest.raises(TokenInvalidError):
        await guard(auth).authenticate(f"ak1.{key.id}.kid2")


@pytest.mark.parametrize(("late", "refusal"), [(0, TokenExpiredError), (-1, None)])
async def test_an_api_key_ends_when_it_was_told_to(
    late: float, refusal: type[TokenError] | None
) -> None:
    auth = InMemoryAuth()
    *_, token = with_key(auth, expires_in=timedelta(hours=1))
    auth.clock.advance(3600 + late)

    if refusal is None:
        await guard(auth).authenticate(token)
    else:
        with pytest.raises(refusal):
            await guard(auth).authenticate(token)


async def test_the_key_of_a_disabled_account_is_refused() -> None:
    auth = InMemoryAuth()
    account, _, token = with_key(auth)
    auth.accounts.rows[account.id].status = AccountStatus.DISABLED

    with pytest.raises(AccountDisabledError):
        await guard(auth).authenticate(token)


async def test_only_who_has_the_secret_learns_that_a_key_is_over() -> None:
    auth = InMemoryAuth()
    _, key, _ = with_key(auth, expires_in=timedelta(0))

    with pytest.raises(TokenInvalidError):
        await guard(auth).authenticate(f"ak1.{key.id}.kid2")


async def test_a_key_never_may_more_than_the_roles_that_its_account_has_now() -> None:
    auth = InMemoryAuth()
    account, _, token = with_key(auth, "users:read", roles="admin")
    listing = admins(scope="users:read")
    listing.refuse(await guard(auth).authenticate(token))

    auth.accounts.rows[account.id].roles = frozenset({Role.USER})

    with pytest.raises(AccessForbiddenError):
        listing.refuse(await guard(auth).authenticate(token))


async def test_a_role_is_no_scope() -> None:
    auth = InMemoryAuth()
    *_, token = with_key(auth, "profile:read", roles="admin")
    caller = await guard(auth).authenticate(token)

    accounts(scope="profile:read").refuse(caller)
    for access in (admins(scope="users:read"), admins(), accounts(), accounts(fresh=True)):
        with pytest.raises(AccessForbiddenError):
            access.refuse(caller)


async def test_keys_and_access_tokens_come_in_the_same_header() -> None:
    auth = InMemoryAuth()
    account, _, key = with_key(auth)
    tokens = AccessTokenAuthenticator(auth.access_tokens, auth.revocations, auth.evidence)
    both = BearerAuthenticator(by_access_token=tokens, by_api_key=guard(auth))

    caller = await both.authenticate(key)

    assert caller == replace(caller, account_id=account.id, session_id=None)
    for nonsense in ("ak1.x", "ak1", "eyJ.x.y"):
        with pytest.raises(TokenInvalidError):
            await both.authenticate(nonsense)
