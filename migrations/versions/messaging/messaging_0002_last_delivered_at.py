"""When each subscriber last succeeded, for the health page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "messaging_0002"
down_revision = "messaging_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscription",
        sa.Column("last_delivered_at", sa.DateTime(timezone=True), nullable=True),
        schema="messaging",
    )


def downgrade() -> None:
    op.drop_column("subscription", "last_delivered_at", schema="messaging")
