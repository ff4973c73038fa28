"""What every unit of work of `auth` promises."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import EmailTakenError
from app.modules.auth.domain.events import RegistrationRepeated
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import RevocationReason
from app.shared.domain.ids import new_id
from tests.contract.auth_worlds import AuthWorld
from tests.contract.facts import facts
from tests.factories import START, AccountFactory, SessionFactory

BLOCKED_SECONDS = 0.1
"""How long what must wait is watched."""


def registered(auth: AuthWorld, email: str = "ada@example.com") -> Account:
    return Account.register(
        email=EmailAddress.parse(email), password_hash="hash", now=auth.clock.now()
    )


def repetition(auth: AuthWorld) -> OutgoingMail:
    return OutgoingMail.to_holder(password_hash="fake1:attempt", now=auth.clock.now())


async def signed_in(auth: AuthWorld) -> Session:
    account = AccountFactory.build()
    session = SessionFactory.build(account_id=account.id, created_at=auth.clock.now())
    await auth.put([account], [session])
    return session


async def test_a_commit_stores_the_change_and_publishes_its_event(auth: AuthWorld) -> None:
    account = registered(auth)

    async with auth.uow() as uow:
        uow.accounts.add(account)
        await uow.commit()

    async with auth.uow() as uow:
        assert facts(await uow.accounts.by_id(account.id)) == facts(account)
        assert facts(await uow.accounts.by_email("ada@example.com")) == facts(account)
    assert await auth.published() == [AccountRegistered(account_id=account.id)]


async def test_leaving_without_a_commit_stores_nothing(auth: AuthWorld) -> None:
    account = registered(auth)

    async with auth.uow() as uow:
        uow.accounts.add(account)
        uow.revocations.add(Revocation(account_id=account.id, epoch=1))
        assert await uow.accounts.by_email("ada@example.com")

    async with auth.uow() as uow:
        assert await uow.accounts.by_id(account.id) is None
    assert await auth.published() == []
    assert await auth.revoked() == []


async def test_an_error_inside_stores_nothing_and_passes_through(auth: AuthWorld) -> None:
    session = await signed_in(auth)

    async def revoke_and_fail() -> None:
        async with auth.uow() as uow:
            locked = await uow.sessions.locked(session.id)
            assert locked
            locked.revoke(RevocationReason.LOGOUT, await uow.now())
            raise LookupError

    with pytest.raises(LookupError):
        await revoke_and_fail()

    (stored,) = await auth.sessions()
    assert stored.revoked_at is None


async def test_a_change_of_what_was_loaded_is_stored(auth: AuthWorld) -> None:
    session = await signed_in(auth)

    async with auth.uow() as uow:
        locked = await uow.sessions.locked(session.id)
        assert locked
        locked.revoke(RevocationReason.LOGOUT, moment := await uow.now())
        await uow.commit()

    (stored,) = await auth.sessions()
    assert (stored.revoked_at, stored.revocation_reason) == (moment, RevocationReason.LOGOUT)


async def test_every_fact_of_an_account_survives(auth: AuthWorld) -> None:
    account = AccountFactory.build(
        email=EmailAddress.parse("Ada@Example.com"),
        email_verified_at=auth.clock.now(),
        roles=frozenset({Role.ADMIN, Role.USER}),
        locale="pt-BR",
        status=AccountStatus.DISABLED,
        auth_epoch=7,
        epoch_raised_at=auth.clock.now(),
    )
    given = facts(account)

    await auth.put([account], [])

    async with auth.uow() as uow:
        stored = await uow.accounts.by_id(account.id)
        assert facts(stored) == given
        assert stored
        assert stored.email.display == "Ada@Example.com"
        assert isinstance(stored.status, AccountStatus)


async def test_every_fact_of_a_session_survives(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    session = SessionFactory.build(
        account_id=account.id,
        epoch=3,
        kid="kid7",
        generation=9,
        parent=5,
        confirmed_generation=8,
        recoveries=4,
        revoked_at=auth.clock.now(),
        revocation_reason=RevocationReason.REUSE,
        label="phone",
        user_agent="agent",
        ip="192.0.2.1",
    )
    given = facts(session)

    await auth.put([account], [session])

    async with auth.uow() as uow:
        stored = await uow.sessions.locked(session.id)
        assert facts(stored) == given
        assert stored
        assert isinstance(stored.revocation_reason, RevocationReason)


async def test_what_does_not_exist_is_not_found(auth: AuthWorld) -> None:
    async with auth.uow() as uow:
        assert await uow.accounts.by_id(new_id()) is None
        assert await uow.accounts.by_email("nobody@example.com") is None
        assert await uow.sessions.locked(new_id()) is None


async def test_one_unit_of_work_hands_out_one_object_per_account(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    key = account.email.key
    await auth.put([account], [])

    async with auth.uow() as uow:
        by_email = await uow.accounts.by_email(key)
        by_id = await uow.accounts.by_id(account.id)

    assert by_email is not None
    assert by_email is by_id


async def test_a_second_account_of_an_address_is_refused_by_the_commit(auth: AuthWorld) -> None:
    await auth.put([AccountFactory.build(email=EmailAddress.parse("ada@example.com"))], [])
    account = registered(auth, "ADA@example.com")

    async with auth.uow() as uow:
        uow.accounts.add(account)
        uow.revocations.add(Revocation(account_id=account.id, epoch=1))
        with pytest.raises(EmailTakenError):
            await uow.commit()

    async with auth.uow() as uow:
        assert await uow.accounts.by_id(account.id) is None
    assert await auth.published() == []
    assert await auth.revoked() == []


async def test_events_are_published_once(auth: AuthWorld) -> None:
    account = registered(auth)

    async with auth.uow() as uow:
        uow.accounts.add(account)
        await uow.commit()
        await uow.commit()

    assert await auth.published() == [AccountRegistered(account_id=account.id)]


async def test_events_are_published_in_the_order_of_the_commits(auth: AuthWorld) -> None:
    account = registered(auth)
    async with auth.uow() as uow:
        uow.accounts.add(account)
        await uow.commit()

    async with auth.uow() as uow:
        known = await uow.accounts.by_id(account.id)
        assert known
        known.delete(START)
        await uow.commit()

    assert await auth.published() == [
        AccountRegistered(account_id=account.id),
        AccountDeleted(account_id=account.id),
    ]


async def test_only_what_was_changed_is_written(auth: AuthWorld) -> None:
    account = AccountFactory.build()
    key = account.email.key
    await auth.put([account], [])

    async with auth.uow() as uow:
        known = await uow.accounts.by_email(key)
        assert known
        credentials = await auth.credentials.of(key)
        assert credentials
        await auth.credentials.rehash(credentials, "newer hash")
        known.locale = "de"
        await uow.commit()

    async with auth.uow() as uow:
        stored = await uow.accounts.by_email(key)
        assert stored
        assert (stored.password_hash, stored.locale) == ("newer hash", "de")


async def test_revocations_are_stored_in_their_order(auth: AuthWorld) -> None:
    account_id, session_id = new_id(), new_id()
    of_session = Revocation(account_id=account_id, session_id=session_id)
    of_epochs = Revocation(account_id=account_id, epoch=3)

    async with auth.uow() as uow:
        uow.revocations.add(of_session)
        uow.revocations.add(of_epochs)
        await uow.commit()

    assert await auth.revoked() == [of_session, of_epochs]


async def test_time_is_read_anew_and_aware(auth: AuthWorld) -> None:
    async with auth.uow() as uow:
        first, second = await uow.now(), await uow.now()

    assert first.utcoffset() is not None
    assert first <= second
    assert abs((first - auth.clock.now()).total_seconds()) < 60


async def test_a_locked_session_waits_for_its_holder_and_is_seen_as_he_left_it(
    auth: AuthWorld,
) -> None:
    session = await signed_in(auth)

    async def generation_as_the_next_sees_it() -> int:
        async with auth.uow() as uow:
            locked = await uow.sessions.locked(session.id)
            assert locked
            return locked.generation

    async with auth.uow() as uow:
        locked = await uow.sessions.locked(session.id)
        assert locked
        following = asyncio.create_task(generation_as_the_next_sees_it())
        _, waiting = await asyncio.wait({following}, timeout=BLOCKED_SECONDS)
        locked.generation = 2
        await uow.commit()

    assert waiting == {following}
    assert await following == 2


async def test_a_session_is_free_again_when_its_holder_leaves_without_a_commit(
    auth: AuthWorld,
) -> None:
    session = await signed_in(auth)
    async with auth.uow() as uow:
        await uow.sessions.locked(session.id)

    async with auth.uow() as uow, asyncio.timeout(60):
        assert await uow.sessions.locked(session.id)


async def test_claiming_a_new_address_adds_the_account_with_its_event(auth: AuthWorld) -> None:
    account, mail = registered(auth), repetition(auth)

    async with auth.uow() as uow:
        holder = await uow.accounts.claim(account, otherwise=mail)
        await uow.commit()

    assert holder == account.id
    async with auth.uow() as uow:
        assert await uow.mails.by_id(mail.id) is None
        assert facts(await uow.accounts.by_id(account.id)) == facts(account)
    assert [event.name for event in await auth.published()] == ["auth.account_registered"]


async def test_claiming_a_known_address_answers_its_account_unchanged(auth: AuthWorld) -> None:
    known = AccountFactory.build()
    await auth.put([known], [])
    mail = repetition(auth)

    async with auth.uow() as uow:
        holder = await uow.accounts.claim(AccountFactory.build(email=known.email), otherwise=mail)
        await uow.commit()

    assert holder == known.id
    async with auth.uow() as uow:
        assert facts(await uow.accounts.by_email(known.email.key)) == facts(known)


async def test_claiming_a_known_address_owes_its_account_the_mail(auth: AuthWorld) -> None:
    known = AccountFactory.build()
    await auth.put([known], [])
    mail = repetition(auth)

    async with auth.uow() as uow:
        await uow.accounts.claim(AccountFactory.build(email=known.email), otherwise=mail)
        await uow.commit()

    assert await auth.published() == [RegistrationRepeated(mail_id=mail.id)]
    async with auth.uow() as uow:
        stored = await uow.mails.by_id(mail.id)
        assert facts(stored) == facts(mail)
        assert stored is not None
        assert (stored.account_id, stored.password_hash) == (known.id, "fake1:attempt")
        assert await uow.mails.owner(mail.id) == known.id
        assert await uow.mails.of_account(known.id) == []


async def test_of_many_who_claim_an_address_at_once_one_gets_it(auth: AuthWorld) -> None:
    rivals = [AccountFactory.build(email=EmailAddress.parse("ada@example.com")) for _ in range(8)]

    async def claim(account: Account) -> UUID:
        async with auth.uow() as uow:
            holder = await uow.accounts.claim(account, otherwise=repetition(auth))
            await uow.commit()
            return holder

    holders = await asyncio.gather(*map(claim, rivals))

    assert len({*holders}) == 1
    assert sum(holder == account.id for holder, account in zip(holders, rivals, strict=True)) == 1
