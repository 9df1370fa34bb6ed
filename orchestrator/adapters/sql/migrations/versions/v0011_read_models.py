"""Rows of projections."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "read_models",
        sa.Column("projection", _key(100), primary_key=True),
        sa.Column("name", _key(255), primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
