"""The table of the event store. It lies beside the ledger's tables, in one database; see `ledger_tables`.

It only grows: triggers refuse every UPDATE, and the DELETE of rows that are not older than the mark `events-forgotten`,
which retention moves first (see the migration).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, String, Table, text

from orchestrator.adapters.sql.ledger_tables import key, metadata

FORGOTTEN = "events-forgotten"
"""The mark that says up to when rows may be deleted."""

event_store = Table(
    "event_store",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("identity", key(32), nullable=False),
    Column("body_hash", String(32), nullable=False),
    Column("source", key(255), nullable=False),
    Column("message_id", key(255), nullable=False),
    Column("type", key(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("way", String(3), nullable=False),
    Column("execution_id", key(255), nullable=False),
    Column("saga", key(200), nullable=False),
    Column("step", String(200), nullable=False),
    Column("call", String(5), nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("correlation_id", key(255), nullable=False),
    Column("causation_id", key(255), nullable=False),
    Column("sequence", key(255), nullable=False),
    Column("place", BigInteger),
    Column("at_ms", BigInteger, nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
    Column("exchange", String(255), nullable=False),
    Column("routing_key", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    # A number that was used is not used again, though the newest rows be deleted: readers go on behind it.
    sqlite_autoincrement=True,
)
_c = event_store.c
Index("event_store_identity", _c.identity, unique=True)
Index("event_store_correlation", _c.correlation_id, _c.number)
Index("event_store_execution", _c.execution_id, _c.number)
Index("event_store_type", _c.type, _c.number)
Index("event_store_stored", _c.stored_ms)
_SEQUENCED = text("place IS NOT NULL")
Index("event_store_place", _c.source, _c.place, _c.stored_ms, sqlite_where=_SEQUENCED, postgresql_where=_SEQUENCED)

read_models = Table(
    "read_models",
    metadata,
    Column("projection", key(100), primary_key=True),
    Column("name", key(255), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)
"""What projections made of the event store: made anew at any time, so nothing guards it."""
