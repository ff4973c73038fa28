"""The table of mails that are owed or whose tokens may still be shown."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Enum, Index, Integer, Table, Text, Uuid

from app.database import mapper_registry, metadata
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail

_TIME = DateTime(timezone=True)

outgoing_mails = Table(
    "outgoing_mail",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "kind",
        Enum(
            MailKind,
            native_enum=False,
            length=32,
            values_callable=lambda members: [member.value for member in members],
        ),
        nullable=False,
    ),
    # No foreign key: a notice outlives the account that it is about, and checking one would cost
    # every registration as much as the row.
    Column("account_id", Uuid),
    Column("address", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),
    Column("kid", Text),
    Column("epoch", Integer),
    Column("password_hash", Text),
    schema="auth",
)
Index(
    "ix_outgoing_mail_account_id",
    outgoing_mails.c.account_id,
    postgresql_where=outgoing_mails.c.account_id.is_not(None),
)

mapper_registry.map_imperatively(OutgoingMail, outgoing_mails)
