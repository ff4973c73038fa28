"""The tables of `auth` and how its aggregates lie in them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import composite
from sqlalchemy.types import TypeDecorator

from app.database import mapper_registry, metadata
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import RevocationReason

_TIME = DateTime(timezone=True)


class RolesType(TypeDecorator[frozenset[Role]]):
    """A set of roles as a sorted text array."""

    impl = ARRAY(Text)
    cache_ok = True

    def process_bind_param(self, value: frozenset[Role] | None, dialect: Dialect) -> Any:
        return None if value is None else sorted(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> frozenset[Role] | None:
        return None if value is None else frozenset(Role(role) for role in value)


def _by_value(kind: type[StrEnum]) -> Enum:
    """An enumeration stored as text, by its values."""
    return Enum(
        kind,
        native_enum=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


IS_ADMIN = text("'admin' = any(roles)")
"""As PostgreSQL has to read it to find the index."""

accounts = Table(
    "account",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("email_verified_at", _TIME),
    Column("roles", RolesType, nullable=False),
    Column("locale", Text, nullable=False),
    Column("locale_version", Integer, nullable=False, server_default=text("0")),
    Column("status", _by_value(AccountStatus), nullable=False),
    Column("auth_epoch", Integer, nullable=False),
    Column("epoch_raised_at", _TIME),
    Column("created_at", _TIME, nullable=False),
    CheckConstraint("status in ('active', 'disabled')", name="status"),
    # Few among many, and all of them are locked where one of them may be the last.
    Index("ix_account_admin", "id", postgresql_where=IS_ADMIN),
    schema="auth",
)

sessions = Table(
    "session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "account_id",
        Uuid,
        ForeignKey("auth.account.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("epoch", Integer, nullable=False),
    Column("kid", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("parent", Integer, nullable=False),
    Column("confirmed_generation", Integer, nullable=False),
    Column("recoveries", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("rotated_at", _TIME, nullable=False),
    Column("parent_rotated_at", _TIME, nullable=False),
    Column("idle_expires_at", _TIME, nullable=False),
    Column("absolute_expires_at", _TIME, nullable=False),
    Column("revoked_at", _TIME),
    Column("revocation_reason", _by_value(RevocationReason)),
    Column("label", Text),
    Column("user_agent", Text),
    Column("ip", Text),
    CheckConstraint("parent < generation", name="parent_before_generation"),
    schema="auth",
    # Room in every page, so that a refresh updates its row in place and touches no index.
    postgresql_with={"fillfactor": 70},
)

revocations = Table(
    "revocation",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("session_id", Uuid),
    Column("epoch", Integer),
    Column("revoked_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("(session_id is null) <> (epoch is null)", name="session_or_epoch"),
    Index(None, "revoked_at"),
    schema="auth",
)

mapper_registry.map_imperatively(
    Account,
    accounts,
    properties={
        "_email_display": accounts.c.email,
        "_email_key": accounts.c.email_key,
        "email": composite(EmailAddress, "_email_display", "_email_key"),
    },
)
mapper_registry.map_imperatively(Session, sessions)
