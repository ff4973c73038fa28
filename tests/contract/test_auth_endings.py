"""What every store of `auth` promises about ends of sessions, administrators and activity."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device, RevocationReason
from app.shared.domain.ids import new_id
from tests.contract.auth_worlds import AuthWorld
from tests.factories import AccountFactory, SessionFactory

BLOCKED_SECONDS = 0.1
"""How long what must wait is watched."""
ADMIN = frozenset({Role.USER, Role.ADMIN})


async def sessions_of(auth: AuthWorld, account: Account, number: int) -> list[Session]:
    now = auth.clock.now()
    opened = [
        SessionFactory.build(account_id=account.id, created_at=now - timedelta(minutes=minutes))
        for minutes in range(number)
    ]
    await auth.put([], opened)
    return opened


async def test_the_sessions_of_an_account_that_were_not_revoked_come_in_order(
    auth: AuthWorld,
) -> None:
    account, stranger = AccountFactory.build(), AccountFactory.build()
    await auth.put([account, stranger], [])
    await sessions_of(auth, stranger, 1)
    await auth.put(
        [],
        [
            SessionFactory.build(
                account_id=account.id,
                revoked_at=auth.clock.now(),
                revocation_reason=RevocationReason.LOGOUT,
            )
        ],
    )
    opened = [session.id for session in await sessions_of(auth, account, 3)]

    async with auth.uow() as uow:
        found = await uow.sessions.locked_of(account.id)

    assert [session.id for session in found] == sorted(opened)


async def test_a_session_that_is_being_ended_elsewhere_is_waited_for_and_left_out(
    auth: AuthWorld,
) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    (session,) = await sessions_of(auth, account, 1)

    async def look() -> list[Session]:
        async with auth.uow() as uow:
            return await uow.sessions.locked_of(account.id)

    async with auth.uow() as uow:
        locked = await uow.sessions.locked(session.id)
        assert locked
        looking = asyncio.create_task(look())
        _, waiting = await asyncio.wait({looking}, timeout=BLOCKED_SECONDS)
        locked.revoke(RevocationReason.OWNER, await uow.now())
        await uow.commit()

    assert waiting == {looking}
    assert await looking == []


async def test_administrators_are_those_who_may_act_now_in_order(auth: AuthWorld) -> None:
    admins = [AccountFactory.build(roles=ADMIN) for _ in range(3)]
    ids = sorted(admin.id for admin in admins)
    others = [
        AccountFactory.build(),
        AccountFactory.build(roles=ADMIN, status=AccountStatus.DISABLED),
    ]
    await auth.put([*others, *reversed(admins)], [])

    async with auth.uow() as uow:
        found = await uow.accounts.locked_admins()

    assert [admin.id for admin in found] == ids


async def test_who_takes_hold_of_the_administrators_waits_and_sees_who_is_left(
    auth: AuthWorld,
) -> None:
    admins = [AccountFactory.build(roles=ADMIN) for _ in range(2)]
    _, second = sorted(admin.id for admin in admins)
    await auth.put(admins, [])

    async def who() -> list[object]:
        async with auth.uow() as uow:
            return [admin.id for admin in await uow.accounts.locked_admins()]

    async with auth.uow() as uow:
        held = await uow.accounts.locked_admins()
        asking = asyncio.create_task(who())
        _, waiting = await asyncio.wait({asking}, timeout=BLOCKED_SECONDS)
        held[0].change_roles(frozenset(), await uow.now())
        await uow.commit()

    assert waiting == {asking}
    assert await asking == [second]


async def test_activity_is_stored_by_the_commit_once_or_never(auth: AuthWorld) -> None:
    account_id, session_id = new_id(), new_id()
    device = Device(label="phone", user_agent="agent", ip="192.0.2.1")
    changed = Activity.of(account_id, ActivityKind.PASSWORD_CHANGED, device, session_id)
    disabled = Activity.of(account_id, ActivityKind.ACCOUNT_DISABLED)

    async with auth.uow() as uow:
        uow.activity.add(Activity.of(account_id, ActivityKind.LOGOUT))
    async with auth.uow() as uow:
        uow.activity.add(changed)
        uow.activity.add(disabled)
        await uow.commit()
        await uow.commit()

    assert await auth.activity() == [changed, disabled]


async def test_an_opened_session_is_activity(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    session = SessionFactory.build(account_id=account.id, user_agent="agent", ip="192.0.2.1")

    await auth.session_store.open(session)

    assert await auth.activity() == [
        Activity(
            account_id=account.id,
            what=ActivityKind.LOGIN,
            session_id=session.id,
            ip="192.0.2.1",
            user_agent="agent",
        )
    ]


async def test_every_session_that_began_before_a_moment_ends(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    young, *old = await sessions_of(auth, account, 4)
    moment = young.created_at

    ended = await auth.session_store.end_before(moment)

    assert ended == len(old)
    by_id = {session.id: session for session in await auth.sessions()}
    assert by_id[young.id].revoked_at is None
    reasons = {by_id[session.id].revocation_reason for session in old}
    assert reasons == {RevocationReason.OPERATOR}
    revoked = {(each.account_id, each.session_id) for each in await auth.revoked()}
    assert revoked == {(account.id, session.id) for session in old}
    assert {(each.what, each.session_id) for each in await auth.activity()} == {
        (ActivityKind.SESSION_REVOKED, session.id) for session in old
    }


async def test_what_was_ended_once_is_not_ended_again(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    await sessions_of(auth, account, 2)
    moment = auth.clock.now() + timedelta(days=1)
    await auth.session_store.end_before(moment)

    ended = await auth.session_store.end_before(moment)

    assert ended == 0
    assert len(await auth.revoked()) == 2
    assert all(isinstance(each, Revocation) for each in await auth.revoked())
