"""Profiles are listed in three orders, and erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "users_0002"
down_revision = "users_0001"
branch_labels = None
depends_on = None

ORDERS = {
    "created_at": "created_at",
    "display_name": "lower(display_name)",
    "handle": "lower(coalesce(handle, ''))",
}


def upgrade() -> None:
    op.add_column(
        "profile",
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        schema="users",
    )
    for name, key in ORDERS.items():
        op.create_index(
            f"ix_profile_{name}",
            "profile",
            [sa.text(key), "account_id"],
            schema="users",
            postgresql_where=sa.text("erased_at IS NULL"),
        )


def downgrade() -> None:
    for name in ORDERS:
        op.drop_index(f"ix_profile_{name}", table_name="profile", schema="users")
    op.drop_column("profile", "erased_at", schema="users")
