"""Events of `auth` that nobody outside needs; moving a class to contracts makes it public."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.shared.domain.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MailDue(Event):
    """A mail is to be sent. Whom it is for and what it says is with the mail, not here."""

    name: ClassVar[str] = "auth.mail_due"

    mail_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRepeated(Event):
    """An address that has an account was registered once more. Its holder is to get the mail."""

    name: ClassVar[str] = "auth.registration_repeated"

    mail_id: UUID


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
