"""The version of the list of categories under which an answer was given; empty for older answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was answered before stays as it is."""
    op.add_column("answers", sa.Column("taxonomy", sa.String(64), nullable=False, server_default=""))
