"""Dead letters are counted and listed without reading the living."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "messaging_0003"
down_revision = "messaging_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_delivery_dead",
        "delivery",
        ["subscriber", "position"],
        schema="messaging",
        postgresql_where=sa.text("dead_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_dead", table_name="delivery", schema="messaging")
