"""What people set for themselves: how pages look to them, and their own views of lists."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "preferences",
        sa.Column("actor", _key(300), primary_key=True),
        sa.Column("time_zone", sa.String(100), nullable=False),
        sa.Column("theme", sa.String(10), nullable=False),
    )
    op.create_table(
        "views",
        sa.Column("actor", _key(300), primary_key=True),
        sa.Column("name", _key(100), primary_key=True),
        sa.Column("query", sa.LargeBinary, nullable=False),
    )


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
