"""When an account was deleted, erase what its owner said of themselves."""

from __future__ import annotations

from app.modules.auth.contracts.events import AccountDeleted
from app.modules.users.application.ports import UsersWork
from app.modules.users.domain.profile import Profile
from app.shared.application.clock import Clock
from app.shared.application.handler import handler


@handler
class EraseProfile:
    """Its deliveries and those of `users.create_profile` come in any order, or at the same time.

    So it leaves a tombstone even where there is no profile yet. Where both make one at the same
    time, the account's one row is the first one's, and the other's delivery fails and is retried.
    """

    clock: Clock

    async def __call__(self, event: AccountDeleted, work: UsersWork) -> None:
        now = self.clock.now()
        profile = await work.profiles.even_erased(event.account_id)
        if profile is None:
            profile = Profile.create(account_id=event.account_id, now=now)
            work.profiles.add(profile)
        profile.erase(now)
