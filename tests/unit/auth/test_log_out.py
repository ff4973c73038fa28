"""Logging out: whatever token is left, as often as one likes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.commands.log_out import LogOut, LogOutHandler
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import RevocationReason
from app.modules.auth.testing import InMemoryAuth
from tests.factories import AccountFactory, SessionFactory


def handler(auth: InMemoryAuth) -> LogOutHandler:
    return LogOutHandler(auth.uow, auth.refresh_tokens, auth.access_tokens)


def signed_in(auth: InMemoryAuth) -> Session:
    account = auth.accounts.put(AccountFactory.build())
    return auth.sessions.put(SessionFactory.build(account_id=account.id, generation=5, parent=4))


def refresh_token(auth: InMemoryAuth, session: Session, generation: int) -> str:
    return auth.refresh_tokens.mint(session.id, generation, session.kid)


@pytest.mark.parametrize("generation", [1, 4, 5, 6])
async def test_a_refresh_token_of_any_generation_ends_its_session(generation: int) -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)

    await handler(auth)(LogOut(refresh_token=refresh_token(auth, session, generation)))

    stored = auth.sessions.rows[session.id]
    assert stored.revoked_at == auth.clock.now()
    assert stored.revocation_reason is RevocationReason.LOGOUT
    assert auth.revoked == [Revocation(account_id=session.account_id, session_id=session.id)]
    assert auth.published == []


async def test_an_access_token_ends_its_session_though_it_has_expired() -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)
    pair = auth.pairs.mint(session.grant(frozenset()))
    auth.clock.advance(timedelta(days=1))

    await handler(auth)(LogOut(access_token=pair.access_token))

    assert auth.sessions.rows[session.id].revoked_at == auth.clock.now()


async def test_logging_out_twice_ends_the_session_once() -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)
    message = LogOut(refresh_token=refresh_token(auth, session, 5))
    await handler(auth)(message)
    first = auth.clock.now()
    auth.clock.advance(60)

    await handler(auth)(message)

    assert auth.sessions.rows[session.id].revoked_at == first
    assert len(auth.revoked) == 1


async def test_an_expired_session_is_ended_all_the_same() -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)
    auth.clock.advance(RefreshPolicy().absolute_lifetime)

    await handler(auth)(LogOut(refresh_token=refresh_token(auth, session, 5)))

    assert auth.sessions.rows[session.id].revoked_at == auth.clock.now()


@pytest.mark.parametrize(
    "message",
    [LogOut(), LogOut(refresh_token="forged"), LogOut(access_token="forged")],
    ids=["no token", "forged refresh token", "forged access token"],
)
async def test_a_forged_token_has_no_effect_and_gives_no_error(message: LogOut) -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)

    await handler(auth)(message)

    assert auth.sessions.rows[session.id].revoked_at is None
    assert auth.revoked == []


async def test_beside_a_refresh_token_that_says_nothing_the_access_token_counts() -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)
    access_token = auth.pairs.mint(session.grant(frozenset())).access_token

    await handler(auth)(LogOut(refresh_token="forged", access_token=access_token))

    assert auth.sessions.rows[session.id].revoked_at == auth.clock.now()


async def test_a_session_that_is_gone_gives_no_error() -> None:
    auth = InMemoryAuth()
    session = SessionFactory.build()

    await handler(auth)(LogOut(refresh_token=refresh_token(auth, session, 1)))

    assert auth.revoked == []


async def test_the_other_sessions_of_the_account_live_on() -> None:
    auth = InMemoryAuth()
    session = signed_in(auth)
    other = auth.sessions.put(SessionFactory.build(account_id=session.account_id))

    await handler(auth)(LogOut(refresh_token=refresh_token(auth, session, 5)))

    assert auth.sessions.rows[other.id].revoked_at is None


def test_no_token_is_in_the_representation() -> None:
    message = LogOut(refresh_token="a-refresh-token", access_token="an-access-token")

    assert "a-refresh-token" not in repr(message)
    assert "an-access-token" not in repr(message)
