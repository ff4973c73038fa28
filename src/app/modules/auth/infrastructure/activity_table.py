"""The table of what happened to an account, for its owner to see."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, Uuid, func

from app.database import metadata

activities = Table(
    "activity",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # No foreign key: rows go with the account by hand, and a login pays for no check.
    Column("account_id", Uuid, nullable=False),
    Column("what", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("session_id", Uuid),
    Column("ip", Text),
    Column("user_agent", Text),
    Index(None, "account_id", "id"),
    schema="auth",
)
