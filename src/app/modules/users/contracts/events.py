"""The integration events of `users`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.shared.domain.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUpdated(Event):
    """Somebody changed their profile. What they said is not here, but the language they read."""

    name: ClassVar[str] = "users.profile_updated"

    account_id: UUID
    locale: str
    """RFC 5646, a language with an optional region."""
    profile_version: int
    """Grows with every change: of two, the one that is true now is the higher."""

    @property
    def key(self) -> str:
        return str(self.account_id)
