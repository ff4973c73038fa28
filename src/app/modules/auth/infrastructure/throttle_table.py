"""The table of `auth` that remembers how often a password was tried, or a mail was asked for."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, LargeBinary, Table

from app.database import metadata

_TIME = DateTime(timezone=True)

throttle = Table(
    "throttle",
    metadata,
    # A MAC of what is counted, so that a dump names no address and no client.
    Column("key", LargeBinary, primary_key=True),
    Column("forgiven_at", _TIME, nullable=False),
    Column("next_at", _TIME, nullable=False),
    Column("failures", Integer, nullable=False),
    CheckConstraint("octet_length(key) = 32", name="key_is_a_mac"),
    CheckConstraint("failures >= 0", name="failures_not_negative"),
    schema="auth",
    # Room in every page and no further index, so that an attempt updates its row in place.
    postgresql_with={"fillfactor": 70},
)
