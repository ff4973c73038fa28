"""What every unit of work of `users` promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.users.application.ports import UsersUnitOfWork
from app.modules.users.domain.errors import HandleTakenError, ProfileStaleError
from app.modules.users.domain.profile import Profile, ProfileChanges
from app.modules.users.infrastructure.unit_of_work import SqlAlchemyUsersUnitOfWork
from app.modules.users.testing import InMemoryUsers
from app.shared.domain.ids import new_id
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.unit_of_work import open_session
from tests.contract.facts import facts
from tests.factories import START, ProfileFactory


@dataclass(kw_only=True)
class UsersWorld:
    uow: Callable[[], UsersUnitOfWork]
    put: Callable[[Profile], Awaitable[None]]

    async def stored(self, profile: Profile) -> Profile:
        async with self.uow() as uow:
            found = await uow.profiles.of_account(profile.account_id)
        assert found
        return found

    async def edit(self, profile: Profile, changes: ProfileChanges) -> None:
        async with self.uow() as uow:
            found = await uow.profiles.of_account(profile.account_id)
            assert found
            found.edit(changes, now=START)
            await uow.commit()


def users_in_memory() -> UsersWorld:
    users = InMemoryUsers()

    async def put(profile: Profile) -> None:
        users.profiles.put(profile)

    return UsersWorld(uow=users.uow, put=put)


def users_on_postgres(engine: AsyncEngine) -> UsersWorld:
    publish = EventLog(EventCodec(())).publish

    async def put(profile: Profile) -> None:
        async with open_session(engine) as session:
            session.add(profile)
            await session.commit()

    return UsersWorld(uow=lambda: SqlAlchemyUsersUnitOfWork(engine, publish, lambda: None), put=put)


@pytest.fixture(params=["memory", "postgres"])
def users(request: pytest.FixtureRequest) -> UsersWorld:
    if request.param == "memory":
        return users_in_memory()
    return users_on_postgres(request.getfixturevalue("engine"))


async def test_a_commit_stores_a_new_profile_with_every_fact(users: UsersWorld) -> None:
    profile = ProfileFactory.build(
        display_name="Ada",
        handle="Ada_1815",
        locale="pt-BR",
        time_zone="Europe/Lisbon",
        bio="first line\nsecond line",
        avatar_url="https://example.com/ada.png",
    )

    async with users.uow() as uow:
        uow.profiles.add(profile)
        await uow.commit()

    assert facts(await users.stored(profile)) == facts(profile) | {"version": 1}


async def test_leaving_without_a_commit_stores_nothing(users: UsersWorld) -> None:
    profile = ProfileFactory.build()

    async with users.uow() as uow:
        uow.profiles.add(profile)
        assert await uow.profiles.of_account(profile.account_id) is profile

    async with users.uow() as uow:
        assert await uow.profiles.of_account(profile.account_id) is None


async def test_an_account_without_a_profile_has_none(users: UsersWorld) -> None:
    async with users.uow() as uow:
        assert await uow.profiles.of_account(new_id()) is None


async def test_every_stored_change_makes_a_new_version(users: UsersWorld) -> None:
    profile = ProfileFactory.build()
    await users.put(profile)

    await users.edit(profile, ProfileChanges(bio="one"))
    await users.edit(profile, ProfileChanges(bio="two", handle="ada"))

    stored = await users.stored(profile)
    assert (stored.version, stored.bio, stored.handle) == (3, "two", "ada")


async def test_the_editor_sees_the_new_version_after_the_commit(users: UsersWorld) -> None:
    profile = ProfileFactory.build()
    await users.put(profile)

    async with users.uow() as uow:
        mine = await uow.profiles.of_account(profile.account_id)
        assert mine
        mine.bio = "new"
        await uow.commit()

    assert mine.version == 2


async def test_no_change_makes_no_new_version(users: UsersWorld) -> None:
    profile = ProfileFactory.build(bio="same")
    await users.put(profile)

    await users.edit(profile, ProfileChanges())
    await users.edit(profile, ProfileChanges(bio="same"))

    assert (await users.stored(profile)).version == 1


async def test_the_second_of_two_editors_of_one_version_is_refused(users: UsersWorld) -> None:
    profile = ProfileFactory.build()
    await users.put(profile)

    async with users.uow() as uow:
        mine = await uow.profiles.of_account(profile.account_id)
        assert mine
        await users.edit(profile, ProfileChanges(bio="theirs"))
        mine.display_name = "mine"
        with pytest.raises(ProfileStaleError):
            await uow.commit()

    stored = await users.stored(profile)
    assert (stored.bio, stored.display_name, stored.version) == ("theirs", "", 2)


async def test_who_changes_nothing_is_never_stale(users: UsersWorld) -> None:
    profile = ProfileFactory.build()
    await users.put(profile)

    async with users.uow() as uow:
        await uow.profiles.of_account(profile.account_id)
        await users.edit(profile, ProfileChanges(bio="theirs"))
        await uow.commit()

    stored = await users.stored(profile)
    assert (stored.bio, stored.version) == ("theirs", 2)


@pytest.mark.parametrize("handle", ["Ada", "ada", "ADA"])
async def test_a_handle_in_use_is_refused_whatever_its_case(users: UsersWorld, handle: str) -> None:
    await users.put(ProfileFactory.build(handle="Ada"))
    profile = ProfileFactory.build()
    await users.put(profile)

    with pytest.raises(HandleTakenError):
        await users.edit(profile, ProfileChanges(handle=handle))

    assert (await users.stored(profile)).handle is None


async def test_a_new_profile_cannot_have_a_handle_in_use(users: UsersWorld) -> None:
    await users.put(ProfileFactory.build(handle="Ada"))
    profile = ProfileFactory.build(handle="ada")

    async with users.uow() as uow:
        uow.profiles.add(profile)
        with pytest.raises(HandleTakenError):
            await uow.commit()

    async with users.uow() as uow:
        assert await uow.profiles.of_account(profile.account_id) is None


async def test_one_may_respell_ones_own_handle_and_many_may_have_none(users: UsersWorld) -> None:
    profile = ProfileFactory.build(handle="Ada")
    await users.put(profile)
    await users.put(ProfileFactory.build(handle=None))
    await users.put(ProfileFactory.build(handle=None))

    await users.edit(profile, ProfileChanges(handle="ADA"))

    assert (await users.stored(profile)).handle == "ADA"


async def test_a_handle_that_was_given_up_is_free(users: UsersWorld) -> None:
    former = ProfileFactory.build(handle="ada")
    await users.put(former)
    profile = ProfileFactory.build()
    await users.put(profile)
    await users.edit(former, ProfileChanges(handle=None))

    await users.edit(profile, ProfileChanges(handle="Ada"))

    assert (await users.stored(profile)).handle == "Ada"


async def test_an_erased_profile_is_found_by_whoever_asks_for_it_even_erased(
    users: UsersWorld,
) -> None:
    profile = ProfileFactory.build(handle="Ada", bio="numbers")
    await users.put(profile)

    async with users.uow() as uow:
        found = await uow.profiles.of_account(profile.account_id)
        assert found
        found.erase(START)
        await uow.commit()

    async with users.uow() as uow:
        left = await uow.profiles.even_erased(profile.account_id)
        assert await uow.profiles.of_account(profile.account_id) is None
        assert await uow.profiles.even_erased(new_id()) is None
    blank = ProfileFactory.build(id=profile.id, account_id=profile.account_id)
    assert facts(left) == facts(blank) | {"version": 2, "erased_at": START}
