"""The event log, its subscriptions and the deliveries that it owes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "messaging_0001"
down_revision = None
branch_labels = ("messaging",)
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA messaging")
    op.create_table(
        "event",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("meta", postgresql.JSONB(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event")),
        sa.UniqueConstraint("id", name=op.f("uq_event_id")),
        schema="messaging",
        comment="What happened, append-only.",
    )
    op.create_index(
        op.f("ix_event_occurred_at"),
        "event",
        ["occurred_at"],
        schema="messaging",
        postgresql_using="brin",
    )
    op.create_table(
        "subscription",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("strict", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber", "event_type", name=op.f("pk_subscription")),
        schema="messaging",
        comment=(
            "Who is owed which events. Publishing reads this, so that rolling deploys are safe."
        ),
    )
    op.create_table(
        "delivery",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("strict", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["position"], ["messaging.event.position"], name=op.f("fk_delivery_position")
        ),
        sa.PrimaryKeyConstraint("position", "subscriber", name=op.f("pk_delivery")),
        schema="messaging",
        comment="One row is one debt to one subscriber; deleted means paid.",
        postgresql_with={
            "autovacuum_vacuum_threshold": 1000,
            "autovacuum_vacuum_scale_factor": 0.01,
            "autovacuum_vacuum_cost_delay": 0,
            "vacuum_truncate": False,
        },
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["subscriber", "available_at", "position"],
        schema="messaging",
        postgresql_where=sa.text("dead_at IS NULL"),
    )
    op.create_index(
        "ix_delivery_head",
        "delivery",
        ["subscriber", "key", "position"],
        schema="messaging",
        postgresql_where=sa.text("key IS NOT NULL AND (dead_at IS NULL OR strict)"),
    )


def downgrade() -> None:
    op.drop_table("delivery", schema="messaging")
    op.drop_table("subscription", schema="messaging")
    op.drop_table("event", schema="messaging")
    op.execute("DROP SCHEMA messaging")
