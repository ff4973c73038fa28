"""The collection that the domain of `users` keeps its profiles in."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from app.modules.users.domain.profile import Profile


class Profiles(Protocol):
    """All profiles, one per account. A handle in use is refused with `HandleTakenError`."""

    def add(self, profile: Profile) -> None: ...

    async def of_account(self, account_id: UUID) -> Profile | None:
        """None where it was erased."""
        ...

    async def even_erased(self, account_id: UUID) -> Profile | None:
        """The profile or its tombstone: for whoever makes the one or the other."""
        ...
