"""When a profile was changed, write to its owner in the language that it names."""

from __future__ import annotations

from app.modules.auth.application.ports import AuthWork
from app.modules.users.contracts.events import ProfileUpdated
from app.shared.application.handler import handler


@handler
class FollowLocale:
    """An event that is replayed, or revived after its successors, must not undo them."""

    async def __call__(self, event: ProfileUpdated, work: AuthWork) -> None:
        account = await work.accounts.locked(event.account_id)
        if account is not None:
            account.follow_locale(event.locale, event.profile_version)
