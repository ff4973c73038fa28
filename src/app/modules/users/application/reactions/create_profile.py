"""When an account was registered, create its profile."""

from __future__ import annotations

from app.modules.auth.contracts.events import AccountRegistered
from app.modules.users.application.ports import UsersWork
from app.modules.users.domain.profile import Profile
from app.shared.application.clock import Clock
from app.shared.application.handler import handler


@handler
class CreateProfile:
    """A replayed event finds the profile, or what is left of it, and leaves it alone."""

    clock: Clock

    async def __call__(self, event: AccountRegistered, work: UsersWork) -> None:
        if await work.profiles.even_erased(event.account_id) is None:
            work.profiles.add(
                Profile.create(
                    account_id=event.account_id, now=self.clock.now(), locale=event.locale
                )
            )
