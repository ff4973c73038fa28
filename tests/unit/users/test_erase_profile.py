"""A profile goes with its account, and nothing brings it back."""

from __future__ import annotations

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.users.application.reactions.create_profile import CreateProfile
from app.modules.users.application.reactions.erase_profile import EraseProfile
from app.modules.users.testing import InMemoryUsers
from app.shared.domain.ids import new_id
from tests.contract.facts import facts
from tests.factories import ProfileFactory


async def erase(users: InMemoryUsers, event: AccountDeleted) -> None:
    async with users.uow() as work:
        await EraseProfile(users.clock)(event, work)
        await work.commit()


async def create(users: InMemoryUsers, event: AccountRegistered) -> None:
    async with users.uow() as work:
        await CreateProfile(users.clock)(event, work)
        await work.commit()


async def test_nothing_that_its_owner_said_is_left() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(
        ProfileFactory.build(
            display_name="Ada Lovelace",
            handle="ada",
            locale="pt-BR",
            time_zone="Europe/Lisbon",
            bio="Mathematician",
            avatar_url="https://example.com/ada.png",
            version=7,
        )
    )
    users.clock.advance(60)

    await erase(users, AccountDeleted(account_id=known.account_id))

    (left,) = users.profiles
    untouched = ProfileFactory.build(id=known.id, account_id=known.account_id)
    now = users.clock.now()
    assert facts(left) == facts(untouched) | {
        "version": 8,
        "updated_at": now,
        "erased_at": now,
    }


async def test_nobody_is_told_of_a_change() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(locale="de"))

    await erase(users, AccountDeleted(account_id=known.account_id))

    assert users.published == []


async def test_the_handle_is_free_again() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(handle="ada"))
    await erase(users, AccountDeleted(account_id=known.account_id))

    async with users.uow() as work:
        work.profiles.add(ProfileFactory.build(handle="Ada"))
        await work.commit()

    assert len(users.profiles) == 2


async def test_a_registration_that_is_delivered_again_brings_nothing_back() -> None:
    users = InMemoryUsers()
    account_id = new_id()
    await create(users, AccountRegistered(account_id=account_id))
    await erase(users, AccountDeleted(account_id=account_id))
    before = [facts(one) for one in users.profiles]

    await create(users, AccountRegistered(account_id=account_id, locale="de"))

    assert [facts(one) for one in users.profiles] == before


async def test_a_registration_that_is_delivered_after_the_deletion_makes_no_profile() -> None:
    users = InMemoryUsers()
    account_id = new_id()
    await erase(users, AccountDeleted(account_id=account_id))

    await create(users, AccountRegistered(account_id=account_id, locale="de"))

    (left,) = users.profiles
    assert (left.erased_at, left.locale) == (users.clock.now(), "en")
    async with users.uow() as work:
        assert await work.profiles.of_account(account_id) is None


async def test_a_deletion_that_is_delivered_again_changes_nothing() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build())
    await erase(users, AccountDeleted(account_id=known.account_id))
    before = [facts(one) for one in users.profiles]
    users.clock.advance(60)

    await erase(users, AccountDeleted(account_id=known.account_id))

    assert [facts(one) for one in users.profiles] == before
