"""Get the profile of an account by the account's id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.modules.users.application.profile_view import ProfileView
from app.modules.users.domain.errors import UserNotFoundError
from app.shared.application.authorization import ADMIN, Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal
from app.shared.application.reader import Reader


@dataclass(frozen=True, slots=True)
class GetUser:
    caller: Principal
    account_id: UUID


@handler
class GetUserHandler:
    """For the owner and for administrators; to everybody else, no other user exists."""

    access: ClassVar[Access] = accounts(scope="users:read", fresh=True)

    reader: Reader

    async def __call__(self, query: GetUser) -> ProfileView:
        """Raises `UserNotFoundError`."""
        if query.account_id != query.caller.account_id and ADMIN not in query.caller.roles:
            # Before anything is read: neither the answer nor its time tells who is there.
            raise UserNotFoundError
        profile = await ProfileView.read(self.reader, query.account_id)
        if profile is None:
            raise UserNotFoundError
        return profile
