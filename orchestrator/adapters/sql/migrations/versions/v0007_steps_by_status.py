"""Lists by step or error, together with a status, saga or version, within one index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INDEXES = {
    "current_step": "executions_current",
    "failed_step": "executions_failed",
    "fingerprint": "executions_fingerprint",
}


def upgrade() -> None:
    """Make the indexes anew, with the status behind what they are of, and with what else is asked for."""
    for column, name in INDEXES.items():
        op.drop_index(name, "executions")
        columns = [column, "status", "changed_ms", "execution_id", "saga", "version"]
        where = sa.text(f"{column} <> ''")
        op.create_index(name, "executions", columns, sqlite_where=where, postgresql_where=where)
