"""The account: one person's identity, whatever the number of devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.events import RegistrationRepeated
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.ids import new_id


class AccountStatus(StrEnum):
    """Whether an account may be used at all."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Role(StrEnum):
    """What an account may do beyond its own data."""

    USER = "user"
    ADMIN = "admin"


@dataclass(eq=False, kw_only=True)
class Account(Aggregate):
    """An e-mail address, the hash of a password, and what their owner may do.

    `auth_epoch` counts the times that everything issued so far was declared void: a session or
    an access token of another epoch is dead.
    """

    id: UUID
    email: EmailAddress
    password_hash: str = field(repr=False)
    created_at: datetime
    email_verified_at: datetime | None = None
    roles: frozenset[Role] = frozenset({Role.USER})
    locale: str = "en"
    status: AccountStatus = AccountStatus.ACTIVE
    auth_epoch: int = 0
    epoch_raised_at: datetime | None = None

    @classmethod
    def register(cls, *, email: EmailAddress, password_hash: str, now: datetime) -> Account:
        account = cls(id=new_id(), email=email, password_hash=password_hash, created_at=now)
        account._record(AccountRegistered(account_id=account.id))
        return account

    @classmethod
    def appoint_admin(cls, *, email: EmailAddress, password_hash: str, now: datetime) -> Account:
        """An administrator made by the operator, who vouches for the address."""
        account = cls.register(email=email, password_hash=password_hash, now=now)
        account.roles = frozenset({Role.USER, Role.ADMIN})
        account.email_verified_at = now
        return account

    def register_again(self) -> None:
        """Somebody tried to register the address once more: the account stays as it is."""
        self._record(RegistrationRepeated(account_id=self.id))

    @property
    def is_active(self) -> bool:
        return self.status is AccountStatus.ACTIVE
