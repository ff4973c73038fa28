"""Ending sessions: one's own, all others, all, and those of an account by an administrator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.modules.auth.application.commands.revoke_account_sessions import (
    RevokeAccountSessions,
    RevokeAccountSessionsHandler,
)
from app.modules.auth.application.commands.revoke_my_sessions import (
    RevokeMySessions,
    RevokeMySessionsHandler,
)
from app.modules.auth.application.commands.revoke_session import (
    RevokeSession,
    RevokeSessionHandler,
)
from app.modules.auth.application.commands.revoke_sessions_before import (
    RevokeSessionsBefore,
    RevokeSessionsBeforeHandler,
)
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.administration import AccountNotFoundError
from app.modules.auth.domain.errors import SessionNotFoundError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device, RevocationReason
from app.modules.auth.testing import InMemoryAuth
from app.shared.application.authorization import AccessForbiddenError, StaleCallerError
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id
from app.shared.testing import as_account
from tests.factories import START, AccountFactory, SessionFactory

PHONE = Device(user_agent="phone/1.0", ip="192.0.2.1")
OPERATED = frozenset({"user", "admin"})


def signed_in(auth: InMemoryAuth, number: int) -> list[Session]:
    account = auth.accounts.put(AccountFactory.build())
    return [auth.sessions.put(SessionFactory.build(account_id=account.id)) for _ in range(number)]


def by(session: Session) -> Principal:
    return replace(as_account(session.account_id), session_id=session.id)


def reasons(auth: InMemoryAuth) -> dict[UUID, RevocationReason | None]:
    return {session.id: session.revocation_reason for session in auth.sessions}


async def test_a_session_ends_with_its_revocation_and_a_line_for_its_owner() -> None:
    auth = InMemoryAuth()
    here, there = signed_in(auth, 2)

    await RevokeSessionHandler(auth.uow)(RevokeSession(by(here), there.id, PHONE))

    assert reasons(auth) == {here.id: None, there.id: RevocationReason.OWNER}
    assert auth.sessions.rows[there.id].revoked_at == auth.clock.now()
    assert auth.revoked == [Revocation(account_id=there.account_id, session_id=there.id)]
    assert auth.activity == [
        Activity.of(there.account_id, ActivityKind.SESSION_REVOKED, PHONE, there.id)
    ]


async def test_the_reason_for_which_a_session_ended_first_stays() -> None:
    auth = InMemoryAuth()
    here, there = signed_in(auth, 2)
    auth.sessions.rows[there.id].revoke(RevocationReason.REUSE, auth.clock.now())

    await RevokeSessionHandler(auth.uow)(RevokeSession(by(here), there.id))

    assert reasons(auth)[there.id] is RevocationReason.REUSE
    assert (auth.revoked, auth.activity) == ([], [])


@pytest.mark.parametrize("foreign", [True, False], ids=["somebody else's", "nobody's"])
async def test_only_ones_own_session_is_found(*, foreign: bool) -> None:
    auth = InMemoryAuth()
    (other,) = signed_in(auth, 1)

    with pytest.raises(SessionNotFoundError):
        await RevokeSessionHandler(auth.uow)(
            RevokeSession(as_account(), other.id if foreign else new_id())
        )

    assert reasons(auth) == {other.id: None}


@pytest.mark.parametrize("others_only", [True, False], ids=["others", "all"])
async def test_the_others_or_all_of_ones_own_sessions_end(*, others_only: bool) -> None:
    auth = InMemoryAuth()
    (stranger,) = signed_in(auth, 1)
    here, *others = signed_in(auth, 3)

    await RevokeMySessionsHandler(auth.uow)(
        RevokeMySessions(by(here), others_only=others_only, device=PHONE)
    )

    ended = others if others_only else [here, *others]
    assert {key for key, reason in reasons(auth).items() if reason} == {e.id for e in ended}
    assert {revocation.session_id for revocation in auth.revoked} == {e.id for e in ended}
    assert reasons(auth)[stranger.id] is None


async def test_an_administrator_ends_all_sessions_of_an_account() -> None:
    auth = InMemoryAuth()
    sessions = signed_in(auth, 2)
    admin = as_account(roles=OPERATED)

    await RevokeAccountSessionsHandler(auth.uow)(
        RevokeAccountSessions(admin, sessions[0].account_id)
    )

    assert set(reasons(auth).values()) == {RevocationReason.ADMIN}
    assert [line.ip for line in auth.activity] == [None, None]


@pytest.mark.parametrize(
    "over",
    [
        {"idle_expires_at": START},
        {"absolute_expires_at": START},
        {"epoch": -1},
    ],
    ids=["idle", "absolute", "epoch"],
)
async def test_what_is_over_already_is_not_ended_again(over: dict[str, Any]) -> None:
    auth = InMemoryAuth()
    (here,) = signed_in(auth, 1)
    auth.sessions.put(SessionFactory.build(account_id=here.account_id, **over))

    await RevokeMySessionsHandler(auth.uow)(RevokeMySessions(by(here), others_only=False))

    assert [line.session_id for line in auth.activity] == [here.id]


async def test_an_account_that_does_not_exist_has_no_sessions_to_end() -> None:
    auth = InMemoryAuth()

    with pytest.raises(AccountNotFoundError):
        await RevokeAccountSessionsHandler(auth.uow)(
            RevokeAccountSessions(as_account(roles=OPERATED), new_id())
        )


async def test_the_operator_ends_what_began_before_a_moment() -> None:
    auth = InMemoryAuth()
    old = signed_in(auth, 2)
    auth.clock.advance(60)
    young = auth.sessions.put(
        SessionFactory.build(account_id=old[0].account_id, created_at=auth.clock.now())
    )

    ended = await RevokeSessionsBeforeHandler(auth.session_store)(
        RevokeSessionsBefore(auth.clock.now() - timedelta(seconds=1))
    )

    assert ended == 2
    assert reasons(auth)[young.id] is None
    assert {each.session_id for each in auth.revoked} == {each.id for each in old}


async def test_neither_an_api_key_nor_a_caller_from_memory_ends_sessions() -> None:
    auth = InMemoryAuth()
    (session,) = signed_in(auth, 1)
    key = replace(by(session), session_id=None, scopes=frozenset({"profile:write"}))
    stale = replace(by(session), fresh=False)

    with pytest.raises(AccessForbiddenError):
        await RevokeSessionHandler(auth.uow)(RevokeSession(key, session.id))
    with pytest.raises(StaleCallerError):
        await RevokeMySessionsHandler(auth.uow)(RevokeMySessions(stale, others_only=False))

    assert reasons(auth) == {session.id: None}
