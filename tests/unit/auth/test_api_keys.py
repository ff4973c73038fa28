"""Creating and deleting API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.modules.auth.application.commands.create_api_key import (
    CreateApiKey,
    CreateApiKeyHandler,
    CreatedApiKey,
)
from app.modules.auth.application.commands.delete_api_key import (
    DeleteApiKey,
    DeleteApiKeyHandler,
)
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.activity import ActivityKind
from app.modules.auth.domain.api_key import MAX_API_KEYS
from app.modules.auth.domain.api_key_errors import (
    ApiKeyExpiryPastError,
    ApiKeyNotFoundError,
    ScopeUnknownError,
    TooManyApiKeysError,
)
from app.modules.auth.domain.errors import CurrentPasswordWrongError, SessionRevokedError
from app.modules.auth.testing import InMemoryAuth, InMemoryAuthUnitOfWork
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.idempotency import IdempotencyKey
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from app.shared.testing import as_account
from tests.factories import PASSWORD, START, AccountFactory

KEY = IdempotencyKey(operation="POST /api-keys", value="k", fingerprints=("content",))


def a_world() -> tuple[InMemoryAuth, Account, Principal]:
    auth = InMemoryAuth()
    auth.scopes.known = frozenset({"profile:read", "profile:write"})
    account = auth.accounts.put(AccountFactory.build())
    return auth, account, as_account(account.id)


async def create(auth: InMemoryAuth, caller: Principal, **facts: Any) -> CreatedApiKey:
    message: dict[str, Any] = {
        "current_password": PASSWORD,
        "name": "report",
        "scopes": ("profile:read",),
        **facts,
    }
    handle = CreateApiKeyHandler(auth.uow, auth.passwords, auth.api_key_tokens, auth.scopes)
    return await handle(CreateApiKey(caller=caller, **message))


async def delete(auth: InMemoryAuth, caller: Principal, key: CreatedApiKey) -> None:
    await DeleteApiKeyHandler(auth.uow)(DeleteApiKey(caller, key.id))


async def test_a_key_is_stored_by_its_hash_alone() -> None:
    auth, account, caller = a_world()

    created = await create(auth, caller, scopes=("profile:write", "profile:read", "profile:read"))

    (key,) = auth.api_keys
    assert (key.id, key.account_id, key.name) == (created.id, account.id, "report")
    assert key.scopes == ("profile:read", "profile:write")
    assert key.secret_hash == auth.api_key_tokens.parse(created.token).secret_hash
    assert (key.created_at, key.expires_at, key.last_used_at) == (START, None, None)
    assert [one.what for one in auth.activity] == [ActivityKind.API_KEY_CREATED]


async def test_a_key_needs_the_current_password() -> None:
    auth, _, caller = a_world()

    with pytest.raises(CurrentPasswordWrongError):
        await create(auth, caller, current_password="something else entirely")

    assert len(auth.api_keys) == 0


async def test_an_unknown_scope_is_named_by_its_place() -> None:
    auth, _, caller = a_world()

    with pytest.raises(ScopeUnknownError) as refused:
        await create(auth, caller, scopes=("profile:read", "everything"))

    assert refused.value.pointer == "/scopes/1"


async def test_a_key_ends_in_the_future_or_never() -> None:
    auth, _, caller = a_world()

    with pytest.raises(ApiKeyExpiryPastError):
        await create(auth, caller, expires_at=START)
    await create(auth, caller, expires_at=START + timedelta(seconds=1))

    (key,) = auth.api_keys
    assert key.expires_at == START + timedelta(seconds=1)


async def test_an_account_has_a_limited_number_of_keys() -> None:
    auth, _, caller = a_world()
    made = [await create(auth, caller) for _ in range(MAX_API_KEYS)]

    with pytest.raises(TooManyApiKeysError):
        await create(auth, caller)

    await delete(auth, caller, made[7])
    await create(auth, caller)


async def test_a_key_is_not_made_by_a_password_that_was_changed_meanwhile() -> None:
    auth, account, caller = a_world()

    def uow() -> InMemoryAuthUnitOfWork:
        auth.accounts.rows[account.id].raise_epoch(START)
        return auth.uow()

    handle = CreateApiKeyHandler(uow, auth.passwords, auth.api_key_tokens, auth.scopes)
    message = CreateApiKey(
        caller=caller, current_password=PASSWORD, name="report", scopes=("profile:read",)
    )

    with pytest.raises(SessionRevokedError):
        await handle(message)

    assert len(auth.api_keys) == 0


async def test_an_api_key_cannot_make_or_delete_keys() -> None:
    auth, account, caller = a_world()
    created = await create(auth, caller)
    key = Principal(account_id=account.id, scopes=auth.scopes.known, fresh=True)

    with pytest.raises(AccessForbiddenError):
        await create(auth, key)
    with pytest.raises(AccessForbiddenError):
        await delete(auth, key, created)


async def test_a_retry_is_shown_the_same_key_and_makes_no_other() -> None:
    auth, _, caller = a_world()
    first = await create(auth, caller, idempotency=KEY)
    auth.clock.advance(60)

    again = await create(auth, caller, idempotency=KEY)

    assert again == first
    assert len(auth.api_keys) == 1
    assert len(auth.activity) == 1


async def test_a_retry_needs_the_password_as_well() -> None:
    auth, _, caller = a_world()
    await create(auth, caller, idempotency=KEY)

    with pytest.raises(CurrentPasswordWrongError):
        await create(auth, caller, idempotency=KEY, current_password="something else entirely")


async def test_a_retry_from_another_account_makes_a_key_of_its_own() -> None:
    auth, _, caller = a_world()
    other = as_account(auth.accounts.put(AccountFactory.build()).id)

    first = await create(auth, caller, idempotency=KEY)
    another = await create(auth, other, idempotency=KEY)

    assert first.id != another.id
    assert len(auth.api_keys) == 2


async def test_what_is_remembered_of_a_key_is_no_secret() -> None:
    auth, _, caller = a_world()

    created = await create(auth, caller, idempotency=KEY)

    ((_, answer),) = auth.requests.known.values()
    assert answer.keys() == {"id", "kid", "created_at"}
    assert created.token not in str(answer)


async def test_a_refused_request_is_not_remembered() -> None:
    auth, _, caller = a_world()

    with pytest.raises(ApiKeyExpiryPastError):
        await create(auth, caller, idempotency=KEY, expires_at=START)

    assert auth.requests.known == {}


async def test_a_key_whose_secret_was_replaced_meanwhile_is_not_shown_again() -> None:
    auth, _, caller = a_world()
    await create(auth, caller, idempotency=KEY)
    auth.api_key_tokens.forgotten.add("kid1")
    auth.api_key_tokens.current_kid = "kid2"

    with pytest.raises(ApiKeyNotFoundError, match="cannot be shown again"):
        await create(auth, caller, idempotency=KEY)


async def test_a_deleted_key_is_gone() -> None:
    auth, _, caller = a_world()
    created = await create(auth, caller)

    await delete(auth, caller, created)

    assert len(auth.api_keys) == 0
    assert [one.what for one in auth.activity][1:] == [ActivityKind.API_KEY_REVOKED]


async def test_a_key_of_somebody_else_and_none_at_all_are_refused_alike() -> None:
    auth, _, caller = a_world()
    created = await create(auth, caller)
    nobodys = CreatedApiKey(id=new_id(), created_at=START, token="")

    for stranger, key in ((as_account(), created), (caller, nobodys)):
        with pytest.raises(ApiKeyNotFoundError):
            await delete(auth, stranger, key)

    assert len(auth.api_keys) == 1
