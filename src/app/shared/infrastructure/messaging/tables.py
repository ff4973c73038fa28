"""The tables of the event log: what happened, who listens, which deliveries are still owed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.database import metadata

SCHEMA = "messaging"

event = Table(
    "event",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("key", Text),
    Column("payload", JSONB, nullable=False),
    Column("meta", JSONB, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Index(None, "occurred_at", postgresql_using="brin"),
    schema=SCHEMA,
    comment="What happened, append-only.",
)

subscription = Table(
    "subscription",
    metadata,
    Column("subscriber", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("strict", Boolean, nullable=False),
    Column("last_delivered_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("subscriber", "event_type"),
    schema=SCHEMA,
    comment="Who is owed which events. Publishing reads this, so that rolling deploys are safe.",
)

delivery = Table(
    "delivery",
    metadata,
    Column("position", BigInteger, ForeignKey(event.c.position), nullable=False),
    Column("subscriber", Text, nullable=False),
    Column("key", Text),
    Column("strict", Boolean, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("available_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("dead_at", DateTime(timezone=True)),
    Column("last_error", Text),
    PrimaryKeyConstraint("position", "subscriber"),
    schema=SCHEMA,
    comment="One row is one debt to one subscriber; deleted means paid.",
    # A queue: rows live for milliseconds, and cleaning it must neither wait for a share of a
    # backlog nor lock it to give pages back that the next burst needs.
    postgresql_with={
        "autovacuum_vacuum_threshold": 1000,
        "autovacuum_vacuum_scale_factor": 0.01,
        "autovacuum_vacuum_cost_delay": 0,
        "vacuum_truncate": False,
    },
)
Index(
    "ix_delivery_due",
    delivery.c.subscriber,
    delivery.c.available_at,
    delivery.c.position,
    postgresql_where=delivery.c.dead_at.is_(None),
)
Index(
    "ix_delivery_head",
    delivery.c.subscriber,
    delivery.c.key,
    delivery.c.position,
    postgresql_where=delivery.c.key.is_not(None)
    & (delivery.c.dead_at.is_(None) | delivery.c.strict),
)
Index(
    "ix_delivery_dead",
    delivery.c.subscriber,
    delivery.c.position,
    postgresql_where=delivery.c.dead_at.is_not(None),
)
