"""The table of scheduled work: when each job is due, and how its last run ended."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Table, Text

from app.database import metadata

SCHEMA = "schedule"

_TIME = DateTime(timezone=True)

job = Table(
    "job",
    metadata,
    Column("name", Text, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("next_due_at", _TIME, nullable=False),
    Column("last_started_at", _TIME),
    Column("last_finished_at", _TIME),
    Column("last_outcome", Text),
    Column("last_result", Text),
    Column("last_error", Text),
    CheckConstraint("last_outcome in ('running', 'done', 'failed', 'interrupted')", name="outcome"),
    schema=SCHEMA,
    comment="One row per job that any version of the code ever had.",
)
