"""Get one's own profile, also in the milliseconds after the registration."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from app.modules.users.application.profile_view import ProfileView
from app.modules.users.domain.errors import ProfilePendingError
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class GetMyProfile:
    caller: Principal


@handler
class GetMyProfileHandler:
    """Every authenticated account has a profile or is owed one, so a missing one is awaited."""

    access: ClassVar[Access] = accounts(scope="profile:read")

    reader: Reader
    patience_seconds: float = 1.0

    async def __call__(self, query: GetMyProfile) -> ProfileView:
        """Raises `ProfilePendingError` when the profile is still not there after the patience."""
        until = monotonic() + self.patience_seconds
        account_id = query.caller.account_id
        while (profile := await ProfileView.read(self.reader, account_id)) is None:
            if monotonic() + _PAUSE_SECONDS > until:
                raise ProfilePendingError(retry_after=1)
            await asyncio.sleep(_PAUSE_SECONDS)
        return profile
