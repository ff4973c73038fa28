"""Get one's own profile, also in the milliseconds after the registration."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from app.modules.users.domain.errors import ProfilePendingError
from app.shared.application.handler import handler
from app.shared.application.reader import Reader

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class GetMyProfile:
    account_id: UUID


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


_SQL = """
select account_id, display_name, handle, locale, time_zone, bio, avatar_url,
       created_at, updated_at, version
from users.profile
where account_id = $1
"""


@handler
class GetMyProfileHandler:
    """Every authenticated account has a profile or is owed one, so a missing one is awaited."""

    reader: Reader
    patience_seconds: float = 1.0

    async def __call__(self, query: GetMyProfile) -> ProfileView:
        """Raises `ProfilePendingError` when the profile is still not there after the patience."""
        until = monotonic() + self.patience_seconds
        while (row := await self.reader.row(_SQL, query.account_id)) is None:
            if monotonic() + _PAUSE_SECONDS > until:
                raise ProfilePendingError(retry_after=1)
            await asyncio.sleep(_PAUSE_SECONDS)
        return ProfileView(**row)
