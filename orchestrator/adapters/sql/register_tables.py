"""Tables of what people do: operations, the audit, bulks, switches. They lie beside the ledger's, in one database.

Times are epoch milliseconds. Columns that may hold payloads are bytes and are sealed if a key is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    and_,
    false,
)

from orchestrator.adapters.sql.ledger_tables import key, metadata

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

operations = Table(
    "operations",
    metadata,
    Column("id", key(64), primary_key=True),
    Column("execution_id", key(255), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("plan", String(64), nullable=False),
    Column("given_key", String(200), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("workflow_id", key(300), nullable=False),
    Column("before", Integer),
    Column("after", Integer),
    Column("text", LargeBinary, nullable=False),
    Column("bulk", key(64), nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger),
    UniqueConstraint("actor", "given_key", name="operations_given_key"),
)
Index("operations_execution", operations.c.execution_id, operations.c.accepted_ms)
Index("operations_state", operations.c.state, operations.c.id)
Index("operations_accepted", operations.c.accepted_ms, operations.c.id)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("what", String(40), nullable=False),
    Column("target", key(255), nullable=False),
    Column("result", String(12), nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("operation_id", key(64), nullable=False),
    Column("before", Integer),
    Column("after", Integer),
    Column("origin", String(200), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
Index("audit_target", audit.c.target, audit.c.number)
Index("audit_actor", audit.c.actor, audit.c.number)

audit_head = Table(
    "audit_head",
    metadata,
    Column("name", String(8), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

bulks = Table(
    "bulks",
    metadata,
    Column("id", key(64), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("caller", LargeBinary, nullable=False),
    Column("word", String(20), nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("given_key", String(200), nullable=False),
    Column("rate", Float, nullable=False),
    Column("state", String(20), nullable=False),
    Column("total", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("override", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("actor", "given_key", name="bulks_given_key"),
)
Index("bulks_state", bulks.c.state, bulks.c.id)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("bulk", key(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("execution_id", key(255), nullable=False),
    Column("state", String(8), nullable=False),
    Column("round", Integer, nullable=False),
    Column("operation_id", key(64), nullable=False),
    Column("text", LargeBinary, nullable=False),
)
Index("bulk_items_state", bulk_items.c.bulk, bulk_items.c.state, bulk_items.c.number)

switches = Table(
    "switches",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("name", key(200), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


def of_saga(execution_id: ColumnElement[str], saga: str) -> ColumnElement[bool]:
    """Executions of a saga: ids are `saga:key`, and no text that begins with "saga:" comes behind "saga;"."""
    return and_(execution_id >= f"{saga}:", execution_id < f"{saga};")
