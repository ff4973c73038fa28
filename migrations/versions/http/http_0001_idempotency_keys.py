"""Requests that were answered and may be sent again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "http_0001"
down_revision = None
branch_labels = ("http",)
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA http")
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_idempotency_key_key_is_a_hash")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_key")),
        schema="http",
        comment="Requests that had their effect, stored with it.",
    )
    op.create_index(
        op.f("ix_idempotency_key_created_at"),
        "idempotency_key",
        ["created_at"],
        unique=False,
        schema="http",
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_idempotency_key_created_at"), table_name="idempotency_key", schema="http"
    )
    op.drop_table("idempotency_key", schema="http")
    op.execute("DROP SCHEMA http")
