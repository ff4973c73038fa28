"""The unit of work of `users` and its repository, on SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from app.modules.users.application.ports import UsersUnitOfWork, UsersWork
from app.modules.users.domain.errors import HandleTakenError, ProfileStaleError
from app.modules.users.domain.ports import Profiles
from app.modules.users.domain.profile import Profile
from app.modules.users.infrastructure.tables import profiles
from app.shared.domain.errors import DomainError
from app.shared.infrastructure.unit_of_work import SqlAlchemyUnitOfWork


class SqlAlchemyProfiles(Profiles):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, profile: Profile) -> None:
        self._session.add(profile)

    async def of_account(self, account_id: UUID) -> Profile | None:
        profile = await self.even_erased(account_id)
        return None if profile is None or profile.erased_at else profile

    async def even_erased(self, account_id: UUID) -> Profile | None:
        found = await self._session.execute(
            select(Profile).where(profiles.c.account_id == account_id)
        )
        return found.scalar_one_or_none()


class SqlAlchemyUsersWork(UsersWork):
    """The repositories on a session that somebody else commits."""

    def __init__(self, session: AsyncSession) -> None:
        self.profiles = SqlAlchemyProfiles(session)


class SqlAlchemyUsersUnitOfWork(SqlAlchemyUnitOfWork, UsersUnitOfWork):
    refusals: Mapping[str, type[DomainError]] = {"uq_profile_handle": HandleTakenError}

    def _open(self, session: AsyncSession) -> None:
        self.profiles = SqlAlchemyProfiles(session)

    async def commit(self) -> None:
        """Raises `ProfileStaleError` when somebody else stored a newer version meanwhile."""
        try:
            await super().commit()
        except StaleDataError as error:
            raise ProfileStaleError from error
