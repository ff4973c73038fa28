"""A profile as its owner sees it, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self
from uuid import UUID

from app.modules.users.domain.profile import Profile
from app.shared.application.reader import Reader

_SQL = """
-- The profile of an account, unless it was erased.
select account_id, display_name, handle, locale, time_zone, bio, avatar_url,
       created_at, updated_at, version
from users.profile
where account_id = $1 and erased_at is null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    account_id: UUID
    display_name: str
    handle: str | None
    locale: str
    time_zone: str
    bio: str
    avatar_url: str | None
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, profile: Profile) -> Self:
        return cls(**{field.name: getattr(profile, field.name) for field in fields(cls)})

    @classmethod
    async def read(cls, reader: Reader, account_id: UUID) -> Self | None:
        row = await reader.row(_SQL, account_id)
        return None if row is None else cls(**row)
