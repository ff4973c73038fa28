"""The account: one person's identity, whatever the number of devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.auth.domain.email_address import EmailAddress
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
    locale_version: int = 0
    """The version of the profile that says so; 0 while the registration does."""
    status: AccountStatus = AccountStatus.ACTIVE
    auth_epoch: int = 0
    epoch_raised_at: datetime | None = None

    @classmethod
    def register(
        cls, *, email: EmailAddress, password_hash: str, now: datetime, locale: str = "en"
    ) -> Account:
        account = cls(
            id=new_id(), email=email, password_hash=password_hash, created_at=now, locale=locale
        )
        account._record(AccountRegistered(account_id=account.id, locale=locale))
        return account

    @classmethod
    def appoint_admin(cls, *, email: EmailAddress, password_hash: str, now: datetime) -> Account:
        """An administrator made by the operator, who vouches for the address."""
        account = cls.register(email=email, password_hash=password_hash, now=now)
        account.roles = frozenset({Role.USER, Role.ADMIN})
        account.email_verified_at = now
        return account

    def verify(self, now: datetime, *, password_hash: str | None = None) -> None:
        """The address is proved. With the hash of a later registration than the one that made the
        account, that one's password counts from now on, and whatever was issued before is void."""
        self.email_verified_at = now
        if password_hash is not None:
            self.password_hash = password_hash
            self.raise_epoch(now)

    def change_password(self, password_hash: str, now: datetime) -> None:
        """Everybody who came in by the old password is out."""
        self.password_hash = password_hash
        self.raise_epoch(now)

    def reset_password(self, password_hash: str, now: datetime) -> None:
        """By somebody who reads the account's mail, which proves its address as well."""
        self.email_verified_at = self.email_verified_at or now
        self.change_password(password_hash, now)

    def change_email(self, email: EmailAddress, now: datetime) -> None:
        """To an address that was proved by a mail to it."""
        self.email = email
        self.email_verified_at = now

    def follow_locale(self, locale: str, version: int) -> None:
        """Unless a later version of the profile has said otherwise already."""
        if version >= self.locale_version:
            self.locale = locale
            self.locale_version = version

    def disable(self, now: datetime) -> None:
        self.status = AccountStatus.DISABLED
        self.raise_epoch(now)

    def enable(self) -> None:
        """What was issued before it was disabled stays void."""
        self.status = AccountStatus.ACTIVE

    def change_roles(self, roles: frozenset[Role], now: datetime) -> None:
        """Tokens name roles, so those with the old ones are void."""
        self.roles = roles | {Role.USER}
        self.raise_epoch(now)

    def delete(self, now: datetime) -> None:
        """Its last word to the other modules; the row goes in the same transaction."""
        self.raise_epoch(now)
        self._record(AccountDeleted(account_id=self.id))

    def raise_epoch(self, now: datetime) -> None:
        """Declare void whatever was issued so far; the unit of work stores the revocation."""
        self.auth_epoch += 1
        self.epoch_raised_at = now

    @property
    def is_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles

    @property
    def is_active(self) -> bool:
        return self.status is AccountStatus.ACTIVE
