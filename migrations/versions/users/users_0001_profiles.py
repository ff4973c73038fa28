"""Profiles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "users_0001"
down_revision = None
branch_labels = ("users",)
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA users")
    op.create_table(
        "profile",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile")),
        sa.UniqueConstraint("account_id", name=op.f("uq_profile_account_id")),
        schema="users",
    )
    op.create_index(
        "uq_profile_handle",
        "profile",
        [sa.literal_column("lower(handle)")],
        unique=True,
        schema="users",
    )


def downgrade() -> None:
    op.drop_index("uq_profile_handle", table_name="profile", schema="users")
    op.drop_table("profile", schema="users")
    op.execute("DROP SCHEMA users")
