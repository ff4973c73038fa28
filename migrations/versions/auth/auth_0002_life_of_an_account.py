"""Mails that are owed, API keys, what happened to an account, and how often it was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "auth_0002"
down_revision = "auth_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "account",
        sa.Column("locale_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema="auth",
    )
    op.create_table(
        "outgoing_mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kid", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_outgoing_mail_account_id"),
        "outgoing_mail",
        ["account_id"],
        unique=False,
        schema="auth",
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["auth.account.id"],
            name=op.f("fk_api_key_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_api_key_account_id"), "api_key", ["account_id"], unique=False, schema="auth"
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_activity_account_id_id"),
        "activity",
        ["account_id", "id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("forgiven_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_throttle_key_is_a_mac")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_throttle_failures_not_negative")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
        schema="auth",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        op.f("ix_account_admin"),
        "account",
        ["id"],
        unique=False,
        schema="auth",
        postgresql_where=sa.text("'admin' = any(roles)"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_account_admin"), table_name="account", schema="auth")
    op.drop_table("throttle", schema="auth")
    op.drop_index(op.f("ix_activity_account_id_id"), table_name="activity", schema="auth")
    op.drop_table("activity", schema="auth")
    op.drop_index(op.f("ix_api_key_account_id"), table_name="api_key", schema="auth")
    op.drop_table("api_key", schema="auth")
    op.drop_index(op.f("ix_outgoing_mail_account_id"), table_name="outgoing_mail", schema="auth")
    op.drop_table("outgoing_mail", schema="auth")
    op.drop_column("account", "locale_version", schema="auth")
