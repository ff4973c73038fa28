"""The guard: what it lets in, and the receipt that it notes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.domain.account import AccountStatus, Role
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    SessionRevokedError,
    TokenError,
    TokenExpiredError,
    TokenInvalidError,
)
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import RevocationReason
from app.modules.auth.testing import InMemoryAuth
from app.shared.application.principal import Principal
from tests.factories import AccountFactory, SessionFactory


def guard(auth: InMemoryAuth) -> AccessTokenAuthenticator:
    return AccessTokenAuthenticator(auth.access_tokens, auth.revocations, auth.evidence)


def signed_in(auth: InMemoryAuth) -> tuple[Session, str]:
    account = auth.accounts.put(AccountFactory.build())
    session = auth.sessions.put(SessionFactory.build(account_id=account.id, generation=5, parent=4))
    return session, auth.pairs.mint(session.grant(frozenset({Role.USER}))).access_token


async def test_a_living_token_names_its_caller() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)

    caller = await guard(auth).authenticate(token)

    assert caller == Principal(
        account_id=session.account_id, session_id=session.id, roles=frozenset({"user"})
    )


async def test_using_a_token_is_the_receipt_of_its_generation() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)

    await guard(auth).authenticate(token)

    assert auth.evidence.latest(session.id) == 5


async def test_a_revoked_session_is_refused_and_is_no_receipt() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    auth.sessions.rows[session.id].revoke(RevocationReason.LOGOUT, auth.clock.now())

    await refused(auth, token, SessionRevokedError)

    assert auth.evidence.latest(session.id) == 0


async def test_an_expired_token_is_refused_and_is_no_receipt() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    auth.clock.advance(timedelta(minutes=10))

    await refused(auth, token, TokenExpiredError)

    assert auth.evidence.latest(session.id) == 0


async def test_a_disabled_account_is_refused() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    auth.accounts.rows[session.account_id].status = AccountStatus.DISABLED

    await refused(auth, token, AccountDisabledError)


async def test_a_token_that_we_did_not_mint_is_refused() -> None:
    auth = InMemoryAuth()

    await refused(auth, "forged", TokenInvalidError)


async def refused(auth: InMemoryAuth, token: str, refusal: type[TokenError]) -> None:
    with pytest.raises(refusal):
        await guard(auth).authenticate(token)
