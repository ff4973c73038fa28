"""The query GetMyProfile: its SQL, and its patience."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.users.application.profile_view import ProfileView
from app.modules.users.application.queries.get_my_profile import (
    GetMyProfile,
    GetMyProfileHandler,
)
from app.modules.users.domain.errors import ProfilePendingError
from app.modules.users.domain.profile import Profile
from app.shared.application.reader import Reader, Row
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import AsyncpgReader
from app.shared.testing import as_account
from tests.integration.users.conftest import UsersWork


async def _store(users_work: UsersWork, account_id: UUID) -> Profile:
    profile = Profile.create(account_id=account_id, now=datetime.now(UTC))
    async with users_work() as work:
        work.profiles.add(profile)
        await work.commit()
    return profile


class WatchedReader(Reader):
    """Tells when it has found nothing for the first time."""

    def __init__(self, reader: AsyncpgReader) -> None:
        self._reader = reader
        self.found_nothing = asyncio.Event()

    async def row(self, sql: str, *args: Any) -> Row | None:
        row = await self._reader.row(sql, *args)
        if row is None:
            self.found_nothing.set()
        return row

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
        return await self._reader.rows(sql, *args)


async def test_the_view_shows_the_profile_as_it_is_stored(
    reader: AsyncpgReader, users_work: UsersWork
) -> None:
    profile = await _store(users_work, new_id())
    await _store(users_work, new_id())

    view = await GetMyProfileHandler(reader)(GetMyProfile(as_account(profile.account_id)))

    assert view == ProfileView(
        account_id=profile.account_id,
        display_name="",
        handle=None,
        locale="en",
        time_zone="UTC",
        bio="",
        avatar_url=None,
        created_at=profile.created_at,
        updated_at=profile.updated_at,
        version=1,
    )


async def test_a_profile_that_comes_while_it_is_awaited_is_shown(
    engine: AsyncEngine, reader: AsyncpgReader, users_work: UsersWork
) -> None:
    watched = WatchedReader(reader)
    account_id = new_id()
    asked = asyncio.create_task(
        GetMyProfileHandler(watched, patience_seconds=30)(GetMyProfile(as_account(account_id)))
    )
    await watched.found_nothing.wait()

    await _store(users_work, account_id)

    assert (await asked).account_id == account_id


class SlowReader(Reader):
    """Finds nothing, and takes its time."""

    def __init__(self) -> None:
        self.looks = 0

    async def row(self, sql: str, *args: Any) -> Row | None:
        self.looks += 1
        await asyncio.sleep(0.2)
        return None

    async def rows(self, sql: str, *args: Any) -> Sequence[Row]:
        return []


async def test_a_slow_database_does_not_stretch_the_patience() -> None:
    slow = SlowReader()

    with pytest.raises(ProfilePendingError):
        await GetMyProfileHandler(slow, patience_seconds=0.1)(GetMyProfile(as_account()))

    assert slow.looks == 1


async def test_a_profile_that_does_not_come_is_pending(reader: AsyncpgReader) -> None:
    handle = GetMyProfileHandler(reader, patience_seconds=0.05)

    with pytest.raises(ProfilePendingError) as refusal:
        await handle(GetMyProfile(as_account()))

    assert refusal.value.retry_after == 1


async def test_an_erased_profile_is_not_shown(reader: AsyncpgReader, users_work: UsersWork) -> None:
    profile = await _store(users_work, new_id())
    async with users_work() as work:
        stored = await work.profiles.of_account(profile.account_id)
        assert stored
        stored.erase(datetime.now(UTC))
        await work.commit()

    with pytest.raises(ProfilePendingError):
        await GetMyProfileHandler(reader, patience_seconds=0.05)(
            GetMyProfile(as_account(profile.account_id))
        )
