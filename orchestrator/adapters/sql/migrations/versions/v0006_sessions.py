"""Local accounts, and sessions of browsers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("name", _key(200), primary_key=True),
        sa.Column("caller", sa.LargeBinary, nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("stamp", sa.String(32), nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", _key(64), primary_key=True),
        sa.Column("source", _key(400), nullable=False),
        sa.Column("account", _key(300), nullable=False),
        sa.Column("caller", sa.LargeBinary, nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("must_choose", sa.Boolean, nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("ends_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_account", "sessions", ["source", "account"])
    op.create_index("sessions_ends", "sessions", ["ends_ms"])


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
