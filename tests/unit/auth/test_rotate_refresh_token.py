"""Rotating through the handler: what is stored, what is answered, and in which order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.application.commands.rotate_refresh_token import (
    RotateRefreshToken,
    RotateRefreshTokenHandler,
)
from app.modules.auth.application.token_pair import TokenPair
from app.modules.auth.domain.account import AccountStatus, Role
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    SessionExpiredError,
    SessionRevokedError,
    TokenError,
    TokenInvalidError,
    TokenReusedError,
    TokenSupersededError,
)
from app.modules.auth.domain.events import SessionCompromised
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import RevocationReason
from app.modules.auth.testing import InMemoryAuth
from tests.factories import AccountFactory, SessionFactory

GRACE = RefreshPolicy().grace


def handler(auth: InMemoryAuth) -> RotateRefreshTokenHandler:
    return RotateRefreshTokenHandler(
        auth.uow,
        auth.session_store,
        auth.evidence,
        auth.refresh_tokens,
        auth.pairs,
        auth.refresh_policy,
        auth.clock,
    )


async def rotate(auth: InMemoryAuth, token: str) -> TokenPair:
    return await handler(auth)(RotateRefreshToken(token))


async def refused(auth: InMemoryAuth, token: str, refusal: type[TokenError]) -> TokenError:
    with pytest.raises(refusal) as raised:
        await rotate(auth, token)
    return raised.value


def signed_in(auth: InMemoryAuth) -> tuple[Session, str]:
    """A living session, as it is stored, and its first refresh token."""
    account = auth.accounts.put(AccountFactory.build())
    session = auth.sessions.put(SessionFactory.build(account_id=account.id))
    token = auth.refresh_tokens.mint(session.id, 1, session.kid)
    return auth.sessions.rows[session.id], token


async def test_a_refresh_answers_with_the_next_generation() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)

    pair = await rotate(auth, token)

    assert auth.refresh_tokens.parse(pair.refresh_token).generation == 2
    assert auth.access_tokens.verify(pair.access_token).generation == 2
    assert (session.generation, session.parent) == (2, 1)


async def test_a_retry_within_the_grace_gets_the_same_successor_and_a_new_access_token() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    first = await rotate(auth, token)
    auth.clock.advance(GRACE / 2)
    before = dict(vars(session))

    retry = await rotate(auth, token)

    assert retry.refresh_token == first.refresh_token
    assert retry.access_token != first.access_token
    assert vars(session) == before


async def test_a_retry_gets_the_same_successor_though_the_secret_was_rotated_meanwhile() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    first = await rotate(auth, token)
    auth.refresh_tokens.rotate("kid2")

    retry = await rotate(auth, token)
    following = await rotate(auth, retry.refresh_token)

    assert retry.refresh_token == first.refresh_token
    assert auth.refresh_tokens.parse(following.refresh_token).kid == "kid2"
    assert session.kid == "kid2"


async def test_a_thousand_refreshes_at_once_have_one_successor() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)

    pairs = await asyncio.gather(*(rotate(auth, token) for _ in range(1_000)))

    assert len({pair.refresh_token for pair in pairs}) == 1
    assert session.generation == 2


async def test_a_lost_response_is_made_good_after_the_grace() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    await rotate(auth, token)
    auth.clock.advance(GRACE)

    pair = await rotate(auth, token)

    assert auth.refresh_tokens.parse(pair.refresh_token).generation == 3
    assert (session.generation, session.parent, session.recoveries) == (3, 1, 1)


async def test_a_used_access_token_proves_that_the_response_arrived() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    pair = await rotate(auth, token)
    guard = AccessTokenAuthenticator(auth.access_tokens, auth.revocations, auth.evidence)
    await guard.authenticate(pair.access_token)
    auth.clock.advance(GRACE)

    await refused(auth, token, TokenReusedError)

    assert session.confirmed_generation == 2


async def test_reuse_ends_the_session_before_it_is_refused() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    second = await rotate(auth, token)
    await rotate(auth, second.refresh_token)
    auth.clock.advance(GRACE)

    refusal = await refused(auth, token, TokenReusedError)

    assert refusal.terminal
    assert session.revocation_reason is RevocationReason.REUSE
    assert session.revoked_at == auth.clock.now()
    assert auth.revoked == [Revocation(account_id=session.account_id, session_id=session.id)]
    assert auth.published == [
        SessionCompromised(
            account_id=session.account_id,
            session_id=session.id,
            presented_generation=1,
            current_generation=3,
        )
    ]


async def test_after_reuse_nothing_of_the_session_lives() -> None:
    auth = InMemoryAuth()
    _session, token = signed_in(auth)
    second = await rotate(auth, token)
    third = await rotate(auth, second.refresh_token)
    auth.clock.advance(GRACE)
    await refused(auth, token, TokenReusedError)

    for dead in (token, second.refresh_token, third.refresh_token):
        await refused(auth, dead, SessionRevokedError)

    assert len(auth.published) == len(auth.revoked) == 1


async def test_a_generation_from_the_future_ends_the_session_and_alerts() -> None:
    auth = InMemoryAuth()
    session, _token = signed_in(auth)

    await refused(auth, auth.refresh_tokens.mint(session.id, 2, session.kid), TokenInvalidError)

    assert session.revocation_reason is RevocationReason.FORGERY
    assert len(auth.revoked) == 1
    assert [type(event) for event in auth.published] == [SessionCompromised]


async def test_a_stale_tab_is_told_when_to_come_back_and_nothing_is_revoked() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    second = await rotate(auth, token)
    auth.clock.advance(5)
    await rotate(auth, second.refresh_token)
    auth.clock.advance(5)

    refusal = await refused(auth, token, TokenSupersededError)

    assert refusal.terminal is False
    assert refusal.retry_after == 20
    assert session.revoked_at is None
    assert (auth.published, auth.revoked) == ([], [])


async def test_a_silent_thief_is_caught_as_soon_as_both_holders_have_refreshed() -> None:
    auth = InMemoryAuth()
    session, stolen = signed_in(auth)
    owner = await rotate(auth, stolen)
    auth.clock.advance(GRACE)
    thief = await rotate(auth, stolen)
    auth.evidence.note(session.id, 3)
    auth.clock.advance(GRACE)

    await refused(auth, owner.refresh_token, TokenReusedError)

    await refused(auth, thief.refresh_token, SessionRevokedError)


async def test_a_revoked_session_beats_a_retry_within_the_grace() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    await rotate(auth, token)
    session.revoke(RevocationReason.LOGOUT, auth.clock.now())

    await refused(auth, token, SessionRevokedError)

    assert auth.revoked == []


@pytest.mark.parametrize("generation", [1, 2])
async def test_a_raised_epoch_ends_every_generation(generation: int) -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    await rotate(auth, token)
    auth.accounts.rows[session.account_id].auth_epoch += 1

    await refused(
        auth, auth.refresh_tokens.mint(session.id, generation, "kid1"), SessionRevokedError
    )


async def test_a_disabled_account_refreshes_nothing() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    auth.accounts.rows[session.account_id].status = AccountStatus.DISABLED

    await refused(auth, token, AccountDisabledError)

    assert session.generation == 1


async def test_an_account_that_is_gone_refreshes_nothing() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    del auth.accounts.rows[session.account_id]

    await refused(auth, token, AccountDisabledError)


async def test_a_session_that_is_gone_counts_as_revoked() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    del auth.sessions.rows[session.id]

    await refused(auth, token, SessionRevokedError)


async def test_an_idle_session_expires() -> None:
    auth = InMemoryAuth()
    _session, token = signed_in(auth)
    auth.clock.advance(timedelta(days=14))

    await refused(auth, token, SessionExpiredError)


async def test_refreshing_keeps_a_session_alive_until_its_absolute_end() -> None:
    auth = InMemoryAuth()
    _session, token = signed_in(auth)
    pair = await rotate(auth, token)
    for _ in range(2):
        auth.clock.advance(timedelta(days=13))
        pair = await rotate(auth, pair.refresh_token)

    auth.clock.advance(timedelta(days=4))

    assert pair.refresh_expires_in == timedelta(days=4).total_seconds()
    await refused(auth, pair.refresh_token, SessionExpiredError)


async def test_the_roles_of_today_and_the_epoch_of_the_session_are_minted() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    await rotate(auth, token)
    auth.accounts.rows[session.account_id].roles = frozenset({Role.USER, Role.ADMIN})

    retry = await rotate(auth, token)

    claims = auth.access_tokens.verify(retry.access_token)
    assert claims.roles == {"user", "admin"}
    assert claims.epoch == session.epoch


async def test_a_forged_token_is_refused_without_a_look_at_any_session() -> None:
    auth = InMemoryAuth()

    await refused(auth, "forged", TokenInvalidError)


async def test_a_token_whose_secret_is_gone_is_refused_and_its_session_lives_on() -> None:
    auth = InMemoryAuth()
    session, token = signed_in(auth)
    auth.refresh_tokens.rotate("kid2")
    auth.refresh_tokens.forget("kid1")

    await refused(auth, token, TokenInvalidError)

    assert session.revoked_at is None


async def test_literal_one_time_use_ends_the_session_at_the_first_retry() -> None:
    auth = InMemoryAuth(replace(RefreshPolicy(), grace=timedelta(0)))
    session, token = signed_in(auth)
    await rotate(auth, token)

    await refused(auth, token, TokenReusedError)

    assert session.revocation_reason is RevocationReason.REUSE


def test_the_token_is_not_in_the_representation() -> None:
    assert "a-token" not in repr(RotateRefreshToken("a-token"))
