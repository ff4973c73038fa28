"""Update one's own profile, provided that it is still the version that was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.users.application.ports import UsersUnitOfWork
from app.modules.users.application.profile_view import ProfileView
from app.modules.users.domain.errors import ProfilePendingError, ProfileStaleError
from app.modules.users.domain.profile import ProfileChanges
from app.shared.application.authorization import Access, accounts
from app.shared.application.clock import Clock
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class UpdateMyProfile:
    caller: Principal
    versions: frozenset[int] | None
    """The versions that the caller accepts to change; None is any (RFC 9110 §13.1.1)."""
    changes: ProfileChanges = field(repr=False)


@handler
class UpdateMyProfileHandler:
    """Whoever may change a profile sees what became of it."""

    access: ClassVar[Access] = accounts(scope="profile:write")

    uow: Callable[[], UsersUnitOfWork]
    clock: Clock

    async def __call__(self, message: UpdateMyProfile) -> ProfileView:
        """Raises `ProfileStaleError`, `HandleTakenError` and the `InvalidError` of a member."""
        async with self.uow() as uow:
            profile = await uow.profiles.of_account(message.caller.account_id)
            if profile is None:
                raise ProfilePendingError(retry_after=1)
            if message.versions is not None and profile.version not in message.versions:
                raise ProfileStaleError
            profile.edit(message.changes, now=self.clock.now())
            await uow.commit()
        return ProfileView.of(profile)
