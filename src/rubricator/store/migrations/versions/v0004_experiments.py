"""Experiments: their frozen plans, whom they were shown to, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "experiments",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("layer", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("buckets", sa.JSON(), nullable=False),
        sa.Column("frozen", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("stopped", sa.Float(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "exposures",
        sa.Column("experiment", sa.String(80), primary_key=True),
        sa.Column("unit", sa.String(255), primary_key=True),
        sa.Column("arm", sa.String(16), primary_key=True),
        sa.Column("model", sa.String(255), primary_key=True),
        sa.Column("first", sa.Float(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("unit", sa.String(255), nullable=False),
        sa.Column("event", sa.String(80), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("received", sa.Float(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("contradicted", sa.Integer(), nullable=False),
    )
    op.create_index("ix_outcomes_event", "outcomes", ["event", "at"])
