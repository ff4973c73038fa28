"""A profile follows an account, once."""

from __future__ import annotations

import pytest

from app.modules.auth.contracts.events import AccountRegistered
from app.modules.users.application.reactions.create_profile import CreateProfile
from app.modules.users.testing import InMemoryUsers
from app.shared.domain.ids import new_id
from tests.contract.facts import facts
from tests.factories import ProfileFactory


async def test_a_registered_account_gets_a_profile() -> None:
    users = InMemoryUsers()
    event = AccountRegistered(account_id=new_id(), locale="de")

    async with users.uow() as work:
        await CreateProfile(users.clock)(event, work)
        await work.commit()

    (profile,) = users.profiles
    assert (profile.account_id, profile.locale) == (event.account_id, "de")
    assert profile.created_at == users.clock.now()


@pytest.mark.parametrize("locale", ["", "zh-Hant", "en_GB", "EN", "x" * 1000])
async def test_a_locale_that_no_profile_can_have_is_english(locale: str) -> None:
    users = InMemoryUsers()
    event = AccountRegistered(account_id=new_id(), locale=locale)

    async with users.uow() as work:
        await CreateProfile(users.clock)(event, work)
        await work.commit()

    (profile,) = users.profiles
    assert profile.locale == "en"


async def test_an_event_that_is_delivered_again_leaves_the_profile_alone() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(bio="mine", version=3))
    event = AccountRegistered(account_id=known.account_id)

    async with users.uow() as work:
        await CreateProfile(users.clock)(event, work)
        await work.commit()

    (profile,) = users.profiles
    assert facts(profile) == facts(known)


async def test_the_reaction_leaves_the_commit_to_the_delivery() -> None:
    users = InMemoryUsers()

    async with users.uow() as work:
        await CreateProfile(users.clock)(AccountRegistered(account_id=new_id()), work)

    assert not users.profiles
