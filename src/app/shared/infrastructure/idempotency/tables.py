"""The table of requests that were answered and may be sent again."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from app.database import metadata

SCHEMA = "http"

idempotency_key = Table(
    "idempotency_key",
    metadata,
    # The hash of who asked, for what, and of the client's key.
    Column("key", LargeBinary, primary_key=True),
    # A MAC of the request's content, so that a dump tells nothing of it.
    Column("fingerprint", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
    ),
    CheckConstraint("octet_length(key) = 32", name="key_is_a_hash"),
    Index(None, "created_at"),
    schema=SCHEMA,
    comment="Requests that had their effect, stored with it.",
)
