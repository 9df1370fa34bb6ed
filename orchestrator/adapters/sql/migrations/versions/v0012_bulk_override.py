"""Bulks that compensate past the point of no return."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the column; no bulk that there is goes past it."""
    op.add_column("bulks", sa.Column("override", sa.Boolean, nullable=False, server_default=sa.false()))
