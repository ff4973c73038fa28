"""What every check for revoked access tokens promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.modules.auth.application.commands.log_out import LogOut
from app.modules.auth.application.ports import AccessClaims
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from tests.contract.auth_worlds import AuthWorld, auth_in_memory, auth_on_postgres
from tests.factories import AccountFactory, SessionFactory


@pytest.fixture(params=["memory", "postgres, strict", "postgres, polled"])
def auth(request: pytest.FixtureRequest, tmp_path: Path) -> AuthWorld:
    if request.param == "memory":
        return auth_in_memory()
    return auth_on_postgres(
        request.getfixturevalue("engine"),
        request.getfixturevalue("statements"),
        request.getfixturevalue("reader"),
        tmp_path / "keys",
        strict=request.param.endswith("strict"),
    )


async def signed_in(auth: AuthWorld) -> Session:
    account = AccountFactory.build(auth_epoch=2)
    session = SessionFactory.build(account_id=account.id, epoch=2, created_at=auth.clock.now())
    await auth.put([account], [session])
    await auth.poll_revocations()
    return session


def claims(session: Session) -> AccessClaims:
    return AccessClaims(
        account_id=session.account_id,
        session_id=session.id,
        generation=session.generation,
        epoch=session.epoch,
        roles=frozenset({"user"}),
        authenticated_at=session.created_at,
        session_ends_at=session.absolute_expires_at,
    )


async def log_out(auth: AuthWorld, session: Session) -> None:
    kid = auth.refresh_tokens.current_kid
    await auth.log_out(LogOut(auth.refresh_tokens.mint(session.id, 1, kid)))


async def raise_epoch(auth: AuthWorld, session: Session) -> None:
    async with auth.uow() as uow:
        account = await uow.accounts.by_id(session.account_id)
        assert account
        account.auth_epoch += 1
        uow.revocations.add(Revocation(account_id=account.id, epoch=account.auth_epoch))
        await uow.commit()


async def test_a_living_session_vouches_for_its_own_account_alone(auth: AuthWorld) -> None:
    session, other = await signed_in(auth), await signed_in(auth)
    mixed = replace(claims(session), account_id=other.account_id)

    with pytest.raises(SessionRevokedError):
        await auth.revocations.living_roles(mixed, fresh=True)


async def test_a_living_session_passes(auth: AuthWorld) -> None:
    session = await signed_in(auth)

    await auth.revocations.living_roles(claims(session))


async def test_a_fresh_look_answers_the_accounts_own_roles(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    pretended = replace(claims(session), roles=frozenset({"user", "admin"}))

    roles = await auth.revocations.living_roles(pretended, fresh=True)

    assert roles == {"user"}


async def test_a_logout_is_seen_by_the_very_next_request(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    await log_out(auth, session)

    with pytest.raises(SessionRevokedError):
        await auth.revocations.living_roles(claims(session))


async def test_a_logout_leaves_the_other_sessions_alone(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    other = SessionFactory.build(
        account_id=session.account_id, epoch=2, created_at=auth.clock.now()
    )
    await auth.put([], [other])
    await log_out(auth, session)

    await auth.revocations.living_roles(claims(other))


async def test_a_raised_epoch_ends_every_session_of_the_account(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    await raise_epoch(auth, session)

    with pytest.raises(SessionRevokedError):
        await auth.revocations.living_roles(claims(session))


async def test_a_raised_epoch_leaves_other_accounts_and_later_sessions_alone(
    auth: AuthWorld,
) -> None:
    session = await signed_in(auth)
    stranger = await signed_in(auth)
    await raise_epoch(auth, session)
    later = SessionFactory.build(
        account_id=session.account_id, epoch=3, created_at=auth.clock.now()
    )
    await auth.put([], [later])

    await auth.revocations.living_roles(claims(stranger))
    await auth.revocations.living_roles(claims(later))


async def test_a_refusal_outlasts_the_next_poll(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    await log_out(auth, session)
    await auth.poll_revocations()

    with pytest.raises(SessionRevokedError):
        await auth.revocations.living_roles(claims(session))


async def test_a_session_that_made_room_is_refused_at_once(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    await auth.pass_time(timedelta(minutes=1))

    for _ in range(auth.refresh_policy.max_sessions):
        await auth.session_store.open(
            SessionFactory.build(
                account_id=session.account_id, epoch=2, created_at=auth.clock.now()
            )
        )

    with pytest.raises(SessionRevokedError):
        await auth.revocations.living_roles(claims(session))
