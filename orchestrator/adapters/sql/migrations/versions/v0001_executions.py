"""Executions, steps, journal, messages, plans, marks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _executions()
    _indexes()
    _steps_and_journal()
    _messages()
    op.create_table(
        "plans",
        sa.Column("content_hash", sa.String(16), primary_key=True),
        sa.Column("saga", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _executions() -> None:
    op.create_table(
        "executions",
        sa.Column("execution_id", _key(255), primary_key=True),
        *(_text("saga", 200), _number("version"), _text("plan", 16)),
        *(_text("status", 24), _text("forward", 12), _text("undo", 12)),
        sa.Column("correlation_id", _key(255), nullable=False),
        sa.Column("business_key", _key(255), nullable=False),
        sa.Column("workflow_id", _key(300), nullable=False),
        _text("run_id", 64),
        sa.Column("run_ms", sa.BigInteger, nullable=False),
        *(_number("history"), _number("revision")),
        *(_text("current_step", 200), _text("failed_step", 200), _text("fingerprint", 16), _text("abort_reason", 12)),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        _text("gone", 12),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("window_ms", sa.BigInteger),
        sa.Column("error", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )


def _indexes() -> None:
    newest = ["changed_ms", "execution_id"]
    op.create_index("executions_changed", "executions", newest)
    op.create_index("executions_status", "executions", ["status", *newest])
    op.create_index("executions_saga", "executions", ["saga", "status", *newest])
    op.create_index("executions_correlation", "executions", ["correlation_id", *newest])
    op.create_index("executions_key", "executions", ["business_key"])
    op.create_index("executions_run", "executions", ["run_id"])
    op.create_index("executions_ended", "executions", ["ended_ms"])
    _partial("executions_current", ["current_step", *newest], "current_step <> ''")
    _partial("executions_failed", ["failed_step", *newest], "failed_step <> ''")
    _partial("executions_fingerprint", ["fingerprint", *newest], "fingerprint <> ''")
    _partial("executions_open", ["execution_id"], "NOT confirmed")


def _partial(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "executions", columns, sqlite_where=where, postgresql_where=where)


def _steps_and_journal() -> None:
    op.create_table(
        "steps",
        sa.Column("execution_id", _key(255), primary_key=True),
        sa.Column("step", sa.String(200), primary_key=True),
        *(_text("phase", 16), _text("outcome", 10)),
        *(_number("attempt"), _number("undo_attempt"), _number("begun")),
        sa.Column("error", sa.LargeBinary, nullable=False),
        sa.Column("undo_error", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("execution_id", _key(255), primary_key=True),
        sa.Column("run_ms", sa.BigInteger, primary_key=True),
        sa.Column("first", sa.Integer, primary_key=True),
        sa.Column("history", sa.Integer, primary_key=True),
        sa.Column("entries", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("execution_id", _key(255), primary_key=True),
        sa.Column("message_id", _key(255), primary_key=True),
        sa.Column("direction", sa.String(3), primary_key=True),
        *(_text("kind", 8), _text("type", 255)),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("correlation_id", _key(255), nullable=False),
        sa.Column("causation_id", _key(255), nullable=False),
        *(_text("step", 200), _text("call", 5), _number("attempt"), _text("outcome", 10), _number("size")),
        sa.Column("body", sa.LargeBinary),
    )
