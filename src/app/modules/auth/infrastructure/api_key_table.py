"""The table of API keys, and how the aggregate lies in it."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from app.database import mapper_registry, metadata
from app.modules.auth.domain.api_key import ApiKey

_TIME = DateTime(timezone=True)

api_keys = Table(
    "api_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "account_id",
        Uuid,
        ForeignKey("auth.account.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("name", Text, nullable=False),
    Column("kid", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text, as_tuple=True), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),
    Column("last_used_at", _TIME),
    schema="auth",
)

mapper_registry.map_imperatively(ApiKey, api_keys)
