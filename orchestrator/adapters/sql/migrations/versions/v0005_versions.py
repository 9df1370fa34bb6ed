"""Lists by version, alone or of one saga, along an index."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the indexes."""
    newest = ["changed_ms", "execution_id"]
    op.create_index("executions_version", "executions", ["version", "status", *newest])
    op.create_index("executions_saga_version", "executions", ["saga", "version", "status", *newest])
