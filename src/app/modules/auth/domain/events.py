"""Events of `auth` that nobody outside needs; moving a class to contracts makes it public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.shared.domain.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRepeated(Event):
    """An address that has an account was registered again."""

    name: ClassVar[str] = "auth.registration_repeated"

    account_id: UUID

    @property
    def key(self) -> str:
        return str(self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCompromised(Event):
    """A refresh token was shown that only a second holder can have: the session was ended."""

    name: ClassVar[str] = "auth.session_compromised"

    account_id: UUID
    session_id: UUID
    presented_generation: int
    current_generation: int

    @property
    def key(self) -> str:
        return str(self.account_id)
