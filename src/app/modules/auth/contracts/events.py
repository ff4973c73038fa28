"""The integration events of `auth`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.shared.domain.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRegistered(Event):
    """Somebody made an account. Its address is not here: whoever needs it asks `auth`."""

    name: ClassVar[str] = "auth.account_registered"

    account_id: UUID
    locale: str = "en"
    """The language that the registration was made in (RFC 5646)."""

    @property
    def key(self) -> str:
        return str(self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDeleted(Event):
    """An account is gone. Whoever keeps something of its owner erases it now."""

    name: ClassVar[str] = "auth.account_deleted"

    account_id: UUID

    @property
    def key(self) -> str:
        return str(self.account_id)
