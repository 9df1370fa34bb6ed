"""The tables of the ledger. `migrations/` makes them; a test holds the two together.

Times are epoch milliseconds: both databases compare and index them alike. Columns that may hold payloads are bytes and
are sealed if a key is set.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, text
from sqlalchemy.types import TypeEngine


def key(length: int) -> TypeEngine[str]:
    """Text that is compared byte by byte, so that keys have one order on every database and prefixes can be found."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


metadata = MetaData()

executions = Table(
    "executions",
    metadata,
    Column("execution_id", key(255), primary_key=True),
    Column("saga", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("plan", String(16), nullable=False),
    Column("status", String(24), nullable=False),
    Column("forward", String(12), nullable=False),
    Column("undo", String(12), nullable=False),
    Column("correlation_id", key(255), nullable=False),
    Column("business_key", key(255), nullable=False),
    Column("workflow_id", key(300), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("run_ms", BigInteger, nullable=False),
    Column("history", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("current_step", String(200), nullable=False),
    Column("failed_step", String(200), nullable=False),
    Column("fingerprint", String(16), nullable=False),
    Column("abort_reason", String(12), nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("gone", String(12), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("window_ms", BigInteger),
    Column("error", LargeBinary, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

_NEWEST = (executions.c.changed_ms, executions.c.execution_id)


def _partial(name: str, condition: str, *columns: Column[Any]) -> None:
    """An index of those rows only for which the condition is true: it stays small."""
    Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


Index("executions_changed", *_NEWEST)
Index("executions_status", executions.c.status, *_NEWEST)
Index("executions_saga", executions.c.saga, executions.c.status, *_NEWEST)
Index("executions_version", executions.c.version, executions.c.status, *_NEWEST)
Index("executions_saga_version", executions.c.saga, executions.c.version, executions.c.status, *_NEWEST)
Index("executions_correlation", executions.c.correlation_id, *_NEWEST)
Index("executions_key", executions.c.business_key)
Index("executions_run", executions.c.run_id)
Index("executions_ended", executions.c.ended_ms)
for _name, _of in (("current", "current_step"), ("failed", "failed_step"), ("fingerprint", "fingerprint")):
    # The last two are not walked by, but whoever also asks for them is answered without a look at each row.
    _found = (executions.c[_of], executions.c.status, *_NEWEST, executions.c.saga, executions.c.version)
    _partial(f"executions_{_name}", f"{_of} <> ''", *_found)
_partial("executions_open", "NOT confirmed", executions.c.execution_id)

steps = Table(
    "steps",
    metadata,
    Column("execution_id", key(255), primary_key=True),
    Column("step", String(200), primary_key=True),
    Column("phase", String(16), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("undo_attempt", Integer, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("error", LargeBinary, nullable=False),
    Column("undo_error", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("execution_id", key(255), primary_key=True),
    Column("run_ms", BigInteger, primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("history", Integer, primary_key=True),
    Column("entries", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("execution_id", key(255), primary_key=True),
    Column("message_id", key(255), primary_key=True),
    Column("direction", String(3), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("type", String(255), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("correlation_id", key(255), nullable=False),
    Column("causation_id", key(255), nullable=False),
    Column("step", String(200), nullable=False),
    Column("call", String(5), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary),
)

plans = Table(
    "plans",
    metadata,
    Column("content_hash", String(16), primary_key=True),
    Column("saga", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("plan", LargeBinary, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
