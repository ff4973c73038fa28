"""Scheduled work and its last runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "schedule_0001"
down_revision = None
branch_labels = ("schedule",)
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA schedule")
    op.create_table(
        "job",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("last_result", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "last_outcome in ('running', 'done', 'failed', 'interrupted')",
            name=op.f("ck_job_outcome"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job")),
        schema="schedule",
        comment="One row per job that any version of the code ever had.",
    )


def downgrade() -> None:
    op.drop_table("job", schema="schedule")
    op.execute("DROP SCHEMA schedule")
