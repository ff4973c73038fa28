"""`users` without a database: fakes of its own ports and of the contracts that it consumes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from app.modules.auth.contracts.directory import AccountDirectory, AccountFacts
from app.modules.users.application.ports import UsersUnitOfWork
from app.modules.users.domain.errors import HandleTakenError, ProfileStaleError
from app.modules.users.domain.ports import Profiles
from app.modules.users.domain.profile import Profile
from app.shared.domain.event import Event
from app.shared.testing.clock import FixedClock
from app.shared.testing.unit_of_work import (
    InMemoryRepository,
    InMemoryTable,
    InMemoryUnitOfWork,
)


class InMemoryProfiles(InMemoryRepository[Profile], Profiles):
    """Counts versions as the table does, and refuses what was decided on an older one."""

    async def of_account(self, account_id: UUID) -> Profile | None:
        profile = await self.even_erased(account_id)
        return None if profile is None or profile.erased_at else profile

    async def even_erased(self, account_id: UUID) -> Profile | None:
        return self.find(lambda profile: profile.account_id == account_id)

    def check(self) -> None:
        edited = [identity for identity in self._met if self.changed(identity)]
        for identity in edited:
            if self._table.rows[identity].version != self._read[identity].version:
                raise ProfileStaleError
        super().check()
        for identity in edited:
            self._met[identity].version += 1


class InMemoryUsersUnitOfWork(InMemoryUnitOfWork, UsersUnitOfWork):
    def __init__(self, world: InMemoryUsers) -> None:
        super().__init__(world.published)
        self._world = world

    def _open(self) -> list[InMemoryRepository[Profile]]:
        self.profiles = InMemoryProfiles(self._world.profiles)
        return [self.profiles]


class InMemoryAccountDirectory(AccountDirectory):
    """Knows whom the test let it know."""

    def __init__(self, *known: AccountFacts) -> None:
        self.known = {facts.account_id: facts for facts in known}

    async def facts_of(self, account_ids: Collection[UUID]) -> Mapping[UUID, AccountFacts]:
        return {one: self.known[one] for one in account_ids if one in self.known}


class InMemoryUsers:
    """Everything that the use cases of `users` need: `Handler(users.uow, users.clock)`."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.published: list[Event] = []
        self.profiles = InMemoryTable[Profile](
            {lambda profile: profile.handle and profile.handle.lower(): HandleTakenError}
        )

    def uow(self) -> InMemoryUsersUnitOfWork:
        return InMemoryUsersUnitOfWork(self)
