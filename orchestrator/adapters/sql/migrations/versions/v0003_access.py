"""API tokens, and answers that are given again; operations by actor."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tokens",
        sa.Column("id", _key(32), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", _key(64), nullable=False, unique=True),
        sa.Column("caller", sa.LargeBinary, nullable=False),
        sa.Column("made_by", sa.String(200), nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.Column("revoked_by", sa.String(200), nullable=False),
    )
    op.create_index("tokens_made", "tokens", ["made_ms", "id"])
    op.create_table(
        "answers",
        sa.Column("actor", _key(200), primary_key=True),
        sa.Column("given_key", _key(200), primary_key=True),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.LargeBinary, nullable=False),
    )
    op.create_index("answers_at", "answers", ["at_ms"])
    op.create_index("operations_accepted", "operations", ["accepted_ms", "id"])


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
