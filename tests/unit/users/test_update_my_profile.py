"""Changing one's own profile, on the version that was read."""

from __future__ import annotations

import pytest

from app.modules.users.application.commands.update_my_profile import (
    UpdateMyProfile,
    UpdateMyProfileHandler,
)
from app.modules.users.application.profile_view import ProfileView
from app.modules.users.contracts.events import ProfileUpdated
from app.modules.users.domain.errors import (
    BioInvalidError,
    HandleTakenError,
    ProfilePendingError,
    ProfileStaleError,
)
from app.modules.users.domain.profile import ProfileChanges
from app.modules.users.testing import InMemoryUsers
from app.shared.testing import as_account
from tests.contract.facts import facts
from tests.factories import ProfileFactory


def handler(users: InMemoryUsers) -> UpdateMyProfileHandler:
    return UpdateMyProfileHandler(users.uow, users.clock)


@pytest.mark.parametrize("versions", [frozenset({3}), frozenset({1, 3}), None])
async def test_a_change_of_the_version_that_was_read_is_stored(
    versions: frozenset[int] | None,
) -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(version=3))
    users.clock.advance(60)

    seen = await handler(users)(
        UpdateMyProfile(as_account(known.account_id), versions, ProfileChanges(bio="new"))
    )

    stored = users.profiles.rows[known.id]
    assert (stored.bio, stored.version) == ("new", 4)
    assert stored.updated_at == users.clock.now()
    assert seen == ProfileView.of(stored)


@pytest.mark.parametrize("versions", [frozenset({2}), frozenset({4}), frozenset[int]()])
async def test_a_change_of_another_version_is_refused(versions: frozenset[int]) -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(version=3))

    with pytest.raises(ProfileStaleError):
        await handler(users)(
            UpdateMyProfile(as_account(known.account_id), versions, ProfileChanges(bio="new"))
        )

    assert facts(users.profiles.rows[known.id]) == facts(known)


@pytest.mark.parametrize("changes", [ProfileChanges(), ProfileChanges(bio="the same")])
async def test_no_change_makes_no_new_version(changes: ProfileChanges) -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(version=3, bio="the same"))
    users.clock.advance(60)

    await handler(users)(UpdateMyProfile(as_account(known.account_id), None, changes))

    assert facts(users.profiles.rows[known.id]) == facts(known)
    assert users.published == []


async def test_a_change_is_told_to_others_without_what_was_said() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build(version=3))
    changes = ProfileChanges(display_name="Ada", locale="pt-BR")

    await handler(users)(UpdateMyProfile(as_account(known.account_id), None, changes))

    assert users.published == [
        ProfileUpdated(account_id=known.account_id, locale="pt-BR", profile_version=4)
    ]


async def test_an_erased_profile_is_no_longer_anybodys_to_change() -> None:
    users = InMemoryUsers()
    erased = ProfileFactory.build()
    erased.erase(users.clock.now())
    users.profiles.put(erased)

    with pytest.raises(ProfilePendingError):
        await handler(users)(
            UpdateMyProfile(as_account(erased.account_id), None, ProfileChanges(bio="new"))
        )

    assert users.profiles.rows[erased.id].bio == ""


async def test_a_profile_that_is_still_owed_is_pending() -> None:
    users = InMemoryUsers()

    with pytest.raises(ProfilePendingError) as raised:
        await handler(users)(UpdateMyProfile(as_account(), None, ProfileChanges(bio="new")))

    assert raised.value.retry_after


async def test_a_handle_in_use_is_refused_whatever_its_case() -> None:
    users = InMemoryUsers()
    users.profiles.put(ProfileFactory.build(handle="Ada"))
    known = users.profiles.put(ProfileFactory.build())

    with pytest.raises(HandleTakenError):
        await handler(users)(
            UpdateMyProfile(as_account(known.account_id), None, ProfileChanges(handle="aDA"))
        )

    assert users.profiles.rows[known.id].handle is None


async def test_a_bad_value_stores_none_of_the_changes() -> None:
    users = InMemoryUsers()
    known = users.profiles.put(ProfileFactory.build())

    with pytest.raises(BioInvalidError):
        await handler(users)(
            UpdateMyProfile(
                as_account(known.account_id),
                None,
                ProfileChanges(display_name="Ada", bio="x" * 501),
            )
        )

    assert facts(users.profiles.rows[known.id]) == facts(known)


def test_the_changes_are_not_in_the_representation() -> None:
    message = UpdateMyProfile(as_account(), None, ProfileChanges(bio="private"))

    assert "private" not in repr(message)
