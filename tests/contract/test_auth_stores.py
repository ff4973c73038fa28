"""What every store of sessions, credentials and evidence promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.modules.auth.application.commands.rotate_refresh_token import RotateRefreshToken
from app.modules.auth.application.credentials import Credentials
from app.modules.auth.application.throttling import Charge
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.errors import AccountDisabledError, TokenReusedError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device, RevocationReason
from app.shared.domain.ids import new_id
from tests.contract.auth_worlds import AuthWorld
from tests.contract.facts import facts
from tests.factories import START, AccountFactory, RegisterAccountFactory, SessionFactory

BLOCKED_SECONDS = 0.1
"""How long what must wait is watched."""


async def signed_in(auth: AuthWorld, account: Account | None = None) -> Session:
    """A session that was opened, at generation 1."""
    account = account or AccountFactory.build()
    session = SessionFactory.build(account_id=account.id, created_at=auth.clock.now())
    await auth.put([account], [])
    await auth.session_store.open(session)
    return session


# Sessions


async def test_an_opened_session_is_stored_as_it_is(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    session = SessionFactory.build(
        account_id=account.id, epoch=2, label="phone", user_agent="agent", ip="192.0.2.1"
    )
    await auth.put([account], [])

    await auth.session_store.open(session)
    session.generation = 99

    (stored,) = await auth.sessions()
    assert facts(stored) == facts(session) | {"generation": 1}


async def crowd(auth: AuthWorld, account: Account, number: int) -> list[Session]:
    """That many sessions of the account, the one that is idle longest first."""
    now = auth.clock.now()
    crowded = [
        SessionFactory.build(account_id=account.id, created_at=now - timedelta(minutes=minutes))
        for minutes in range(number, 0, -1)
    ]
    await auth.put([], crowded)
    return crowded


async def test_the_session_that_is_idle_longest_makes_room_for_a_new_one(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    stranger = await signed_in(auth)
    await auth.put([account], [])
    idlest, *others = await crowd(auth, account, auth.refresh_policy.max_sessions)
    session = SessionFactory.build(account_id=account.id, created_at=auth.clock.now())

    await auth.session_store.open(session)

    left = {stored.id for stored in await auth.sessions()}
    assert left == {stranger.id, session.id, *(other.id for other in others)}
    assert await auth.revoked() == [Revocation(account_id=account.id, session_id=idlest.id)]


async def test_a_living_session_that_makes_room_is_answered_and_told_to_its_owner(
    auth: AuthWorld,
) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    idlest, *_ = await crowd(auth, account, auth.refresh_policy.max_sessions)
    session = SessionFactory.build(
        account_id=account.id, created_at=auth.clock.now(), user_agent="phone/1.0", ip="192.0.2.1"
    )

    left = await auth.session_store.open(session)

    assert left == [idlest.id]
    here = Device(user_agent="phone/1.0", ip="192.0.2.1")
    assert await auth.activity() == [
        Activity.of(account.id, ActivityKind.SESSION_REVOKED, here, idlest.id),
        Activity.of(account.id, ActivityKind.LOGIN, here, session.id),
    ]


@pytest.mark.parametrize(
    "end",
    [{"revoked_at": START}, {"idle_expires_at": START}, {"epoch": 1}],
    ids=["revoked", "idle", "epoch"],
)
async def test_a_session_that_was_over_makes_room_without_a_word(
    auth: AuthWorld, end: dict[str, Any]
) -> None:
    account = AccountFactory.build(auth_epoch=2)
    now = auth.clock.now()
    ended = [
        SessionFactory.build(account_id=account.id, created_at=now, **{"epoch": 2, **end})
        for _ in range(auth.refresh_policy.max_sessions)
    ]
    await auth.put([account], ended)
    session = SessionFactory.build(account_id=account.id, created_at=now, epoch=2)

    left = await auth.session_store.open(session)

    assert left == []
    assert [line.what for line in await auth.activity()] == [ActivityKind.LOGIN]
    assert len(await auth.sessions()) == auth.refresh_policy.max_sessions


async def test_an_opened_session_takes_back_what_its_login_was_charged(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    policy = auth.throttle_policy
    charges = Charge(policy.client, "192.0.2.1"), Charge(policy.password, account.email.key)
    reserved = await auth.throttle.reserve(*charges)

    await auth.session_store.open(SessionFactory.build(account_id=account.id), settles=reserved)

    assert [again.failures for again in await auth.throttle.reserve(*charges)] == [
        one.failures for one in reserved
    ]


async def test_an_account_that_is_gone_gets_no_session(auth: AuthWorld) -> None:
    with pytest.raises(AccountDisabledError):
        await auth.session_store.open(SessionFactory.build())

    assert await auth.sessions() == []
    assert await auth.activity() == []


@pytest.mark.parametrize("end", ["revoked_at", "idle_expires_at"])
async def test_a_session_that_is_over_makes_room_before_a_living_one(
    auth: AuthWorld, end: str
) -> None:
    account = AccountFactory.build()
    await auth.put([account], [])
    living = await crowd(auth, account, auth.refresh_policy.max_sessions - 1)
    ended = SessionFactory.build(account_id=account.id, created_at=auth.clock.now(), **{end: START})
    await auth.put([], [ended])

    await auth.session_store.open(SessionFactory.build(account_id=account.id))

    left = {stored.id for stored in await auth.sessions()}
    assert ended.id not in left
    assert {session.id for session in living} <= left


async def test_advancing_answers_with_the_grant_of_the_next_generation(auth: AuthWorld) -> None:
    roles = frozenset({Role.USER, Role.ADMIN})
    session = await signed_in(auth, AccountFactory.build(roles=roles))

    grant = await auth.session_store.advance(session.id, 1, "kid2")

    (stored,) = await auth.sessions()
    assert grant == stored.grant(frozenset({"user", "admin"}))
    assert (stored.generation, stored.parent, stored.kid) == (2, 1, "kid2")
    assert stored.parent_rotated_at == session.rotated_at
    assert stored.idle_expires_at - stored.rotated_at == pytest.approx(
        timedelta(days=14), abs=timedelta(minutes=1)
    )


@pytest.mark.parametrize("generation", [0, 2, 7])
async def test_another_generation_than_the_present_one_advances_nothing(
    auth: AuthWorld, generation: int
) -> None:
    session = await signed_in(auth)

    grant = await auth.session_store.advance(session.id, generation, "kid2")

    (stored,) = await auth.sessions()
    assert grant is None
    assert facts(stored) == facts(session)


async def test_a_session_that_does_not_exist_advances_nothing(auth: AuthWorld) -> None:
    assert await auth.session_store.advance(new_id(), 1, "kid1") is None


async def test_of_many_advances_at_once_one_succeeds(auth: AuthWorld) -> None:
    session = await signed_in(auth)

    grants = await asyncio.gather(
        *(auth.session_store.advance(session.id, 1, "kid1") for _ in range(20))
    )

    assert [grant.generation for grant in grants if grant] == [2]


async def test_an_end_that_is_being_committed_beats_an_advance(auth: AuthWorld) -> None:
    session = await signed_in(auth)

    async with auth.uow() as uow:
        locked = await uow.sessions.locked(session.id)
        assert locked
        advance = asyncio.create_task(auth.session_store.advance(session.id, 1, "kid1"))
        _, waiting = await asyncio.wait({advance}, timeout=BLOCKED_SECONDS)
        locked.revoke(RevocationReason.LOGOUT, await uow.now())
        await uow.commit()

    assert waiting == {advance}
    assert await advance is None


async def test_of_many_refreshes_at_once_all_get_the_one_successor(auth: AuthWorld) -> None:
    session = await signed_in(auth)
    kid = auth.refresh_tokens.current_kid
    token = auth.refresh_tokens.mint(session.id, 1, kid)

    pairs = await asyncio.gather(*(auth.rotate(RotateRefreshToken(token)) for _ in range(20)))

    (stored,) = await auth.sessions()
    assert {pair.refresh_token for pair in pairs} == {auth.refresh_tokens.mint(session.id, 2, kid)}
    assert stored.generation == 2


# Credentials


async def test_credentials_are_read_by_the_key_of_the_address(auth: AuthWorld) -> None:
    account = AccountFactory.build(
        password_hash="hash", auth_epoch=5, roles=frozenset({Role.USER, Role.ADMIN})
    )
    account_id, key = account.id, account.email.key
    await auth.put([account], [])

    found = await auth.credentials.of(key)

    assert found == Credentials(
        account_id=account_id,
        email_key=key,
        password_hash="hash",
        epoch=5,
        roles=frozenset({"user", "admin"}),
        active=True,
        verified=False,
    )
    assert await auth.credentials.of_account(account_id) == found


async def test_an_unknown_address_has_no_credentials(auth: AuthWorld) -> None:
    assert await auth.credentials.of("nobody@example.com") is None
    assert await auth.credentials.of_account(new_id()) is None


async def test_credentials_say_whether_the_address_is_verified(auth: AuthWorld) -> None:
    account = AccountFactory.build(email_verified_at=START)
    key = account.email.key
    await auth.put([account], [])

    found = await auth.credentials.of(key)

    assert found
    assert found.verified


async def test_credentials_name_the_session_asked_about_only_to_its_own_account(
    auth: AuthWorld,
) -> None:
    mine, other = AccountFactory.build(), AccountFactory.build()
    key, other_key = mine.email.key, other.email.key
    session = await signed_in(auth, mine)
    await auth.put([other], [])

    found = await auth.credentials.of(key, session_id=session.id)
    by_another = await auth.credentials.of(other_key, session_id=session.id)

    assert found
    assert found.session_id == session.id
    assert by_another
    assert by_another.session_id is None


async def test_a_disabled_accounts_credentials_say_so(auth: AuthWorld) -> None:
    account = AccountFactory.build(status=AccountStatus.DISABLED)
    key = account.email.key
    await auth.put([account], [])

    found = await auth.credentials.of(key)

    assert found
    assert not found.active


@pytest.mark.parametrize(
    ("meanwhile", "stored"),
    [
        ({}, "new hash"),
        ({"password_hash": "changed"}, "changed"),
        ({"auth_epoch": 1}, "old hash"),
    ],
    ids=["unchanged", "other hash", "other epoch"],
)
async def test_a_hash_is_replaced_unless_it_or_the_epoch_has_changed(
    auth: AuthWorld, meanwhile: dict[str, object], stored: str
) -> None:
    account = AccountFactory.build(password_hash="old hash")
    key = account.email.key
    await auth.put([account], [])
    read = await auth.credentials.of(key)
    assert read
    async with auth.uow() as uow:
        known = await uow.accounts.by_id(account.id)
        for name, value in meanwhile.items():
            setattr(known, name, value)
        await uow.commit()

    await auth.credentials.rehash(read, "new hash")

    found = await auth.credentials.of(key)
    assert found
    assert found.password_hash == stored


async def test_replacing_the_hash_of_an_account_that_is_gone_does_nothing(auth: AuthWorld) -> None:
    gone = Credentials(
        account_id=new_id(),
        email_key="ada@example.com",
        password_hash="hash",
        epoch=0,
        roles=frozenset(),
        active=True,
        verified=False,
    )

    await auth.credentials.rehash(gone, "new hash")


async def test_many_registrations_of_one_address_at_once_make_one_account(auth: AuthWorld) -> None:
    spellings = ["ada@example.com", "ADA@Example.com"]

    await asyncio.gather(
        *(auth.register(RegisterAccountFactory.build(email=spellings[n % 2])) for n in range(20))
    )

    found = await auth.credentials.of("ada@example.com")
    names = [type(event).__name__ for event in await auth.published()]
    assert found
    assert names == ["AccountRegistered"] + 19 * ["RegistrationRepeated"]


# Evidence


def test_no_evidence_is_generation_zero(auth: AuthWorld) -> None:
    assert auth.evidence.latest(new_id()) == 0


def test_evidence_never_goes_back(auth: AuthWorld) -> None:
    session_id, other = new_id(), new_id()

    for generation in (2, 5, 3):
        auth.evidence.note(session_id, generation)

    assert auth.evidence.latest(session_id) == 5
    assert auth.evidence.latest(other) == 0


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not yet stored"])
async def test_evidence_counts_at_once_here_and_everywhere_when_it_is_stored(
    auth: AuthWorld, stored: bool
) -> None:
    session = await signed_in(auth)
    token = auth.refresh_tokens.mint(session.id, 1, auth.refresh_tokens.current_kid)
    await auth.rotate(RotateRefreshToken(token))
    auth.evidence.note(session.id, 2)
    if stored:
        await auth.store_evidence()
        auth = replace(auth, evidence=auth.evidence_elsewhere())
    await auth.pass_time(auth.refresh_policy.grace)

    with pytest.raises(TokenReusedError):
        await auth.rotate(RotateRefreshToken(token))
