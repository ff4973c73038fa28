"""The unit of work of `users`: profiles with their version, one handle for one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.modules.users.domain.errors import HandleTakenError, ProfileStaleError
from app.modules.users.domain.profile import Profile, ProfileChanges
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from tests.integration.users.conftest import UsersWork

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def _store(users_work: UsersWork, changes: ProfileChanges) -> UUID:
    profile = Profile.create(account_id=new_id(), now=NOW)
    profile.edit(changes, now=NOW)
    async with users_work() as work:
        work.profiles.add(profile)
        await work.commit()
    return profile.account_id


async def test_a_profile_comes_back_as_it_was_stored(users_work: UsersWork) -> None:
    changes: ProfileChanges = {
        "display_name": "Ada Lovelace",
        "handle": "Ada_1815",
        "locale": "pt-BR",
        "time_zone": "Europe/London",
        "bio": "First line\nsecond line",
        "avatar_url": "https://example.com/ada.png",
    }

    account_id = await _store(users_work, changes)

    async with users_work() as work:
        found = await work.profiles.of_account(account_id)
        assert found is not None
        assert {name: getattr(found, name) for name in changes} == changes
        assert (found.version, found.created_at, found.updated_at) == (1, NOW, NOW)


async def test_each_stored_change_counts_one_version(users_work: UsersWork) -> None:
    account_id = await _store(users_work, {})

    for version in (1, 2, 3):
        async with users_work() as work:
            profile = await work.profiles.of_account(account_id)
            assert profile is not None
            assert profile.version == version
            profile.edit({"bio": f"{version}"}, now=datetime.now(UTC))
            await work.commit()


async def test_of_two_who_change_one_version_the_second_is_stale(
    users_work: UsersWork, statements: Statements
) -> None:
    account_id = await _store(users_work, {})

    async with users_work() as first, users_work() as second:
        for work in (first, second):
            profile = await work.profiles.of_account(account_id)
            assert profile is not None
            profile.edit({"bio": "first" if work is first else "second"}, now=NOW)
        await first.commit()
        with pytest.raises(ProfileStaleError):
            await second.commit()

    assert await statements.value("select bio from users.profile") == "first"


async def test_a_handle_is_taken_in_whatever_case(
    users_work: UsersWork, statements: Statements
) -> None:
    await _store(users_work, {"handle": "Ada"})

    with pytest.raises(HandleTakenError):
        await _store(users_work, {"handle": "aDA"})

    assert await statements.value("select count(*) from users.profile") == 1


async def test_any_number_of_profiles_has_no_handle(
    users_work: UsersWork, statements: Statements
) -> None:
    await _store(users_work, {"handle": None})
    await _store(users_work, {"handle": None})

    assert await statements.value("select count(*) from users.profile") == 2


async def test_leaving_without_a_commit_stores_nothing(
    users_work: UsersWork, statements: Statements
) -> None:
    async with users_work() as work:
        work.profiles.add(Profile.create(account_id=new_id(), now=NOW))

    assert await statements.value("select count(*) from users.profile") == 0
