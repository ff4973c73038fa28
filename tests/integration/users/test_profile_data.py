"""What `users` has of a person, for that person to take along."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from app.modules.users.domain.profile import Profile
from app.modules.users.infrastructure.profile_data import SqlProfileData
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from app.shared.testing import ModuleHarness
from tests.integration.users.conftest import UsersWork

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_everything_that_a_profile_says_is_there_in_json(
    reader: AsyncpgReader, users_work: UsersWork
) -> None:
    profile = await _store(users_work)

    data = await SqlProfileData(reader).of(profile.account_id)

    assert json.loads(json.dumps(data)) == {
        "profile": {
            "display_name": "Ada Lovelace",
            "handle": "Ada_1815",
            "locale": "en",
            "time_zone": "UTC",
            "bio": "Mathematician",
            "avatar_url": None,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        }
    }


async def test_no_column_of_the_owners_is_forgotten(
    reader: AsyncpgReader, users_work: UsersWork, statements: Statements
) -> None:
    profile = await _store(users_work)
    ours = {"id", "account_id", "version", "erased_at"}

    data = await SqlProfileData(reader).of(profile.account_id)

    columns = await statements.rows(
        "select column_name from information_schema.columns where table_schema = 'users'"
    )
    exported = data["profile"]
    assert isinstance(exported, dict)
    assert {row["column_name"] for row in columns} - ours == exported.keys()


async def test_of_nobody_and_of_whoever_was_erased_there_is_nothing(
    reader: AsyncpgReader, users_work: UsersWork
) -> None:
    erased = await _store(users_work, erased=True)

    for account_id in (erased.account_id, new_id()):
        assert await SqlProfileData(reader).of(account_id) == {}


async def test_the_module_offers_it_to_whoever_exports(
    users: ModuleHarness, users_work: UsersWork
) -> None:
    profile = await _store(users_work)

    exported = await users.process.kernel.exports().of(profile.account_id)

    assert exported.keys() == {"users"}
    assert exported["users"].keys() == {"profile"}


async def _store(users_work: UsersWork, *, erased: bool = False) -> Profile:
    profile = Profile.create(account_id=new_id(), now=NOW)
    profile.edit(
        {"display_name": "Ada Lovelace", "handle": "Ada_1815", "bio": "Mathematician"}, now=NOW
    )
    if erased:
        profile.erase(NOW)
    async with users_work() as work:
        work.profiles.add(profile)
        await work.commit()
    return profile
