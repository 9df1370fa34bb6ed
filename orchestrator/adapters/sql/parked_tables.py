"""Tables of parked messages: groups, messages, the copies that were stored, what people did.

Times are epoch milliseconds. Columns that may hold payloads are bytes and are sealed if a key is set.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint, text

from orchestrator.adapters.sql.ledger_tables import key, metadata

parked_groups = Table(
    "parked_groups",
    metadata,
    Column("fingerprint", key(16), primary_key=True),
    Column("reason", String(40), nullable=False),
    Column("type", String(255), nullable=False),
    Column("queue", key(255), nullable=False),
    Column("saga", String(200), nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("waiting", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("reopened_ms", BigInteger),
)
Index("parked_groups_last", parked_groups.c.last_ms, parked_groups.c.fingerprint)

parked_messages = Table(
    "parked_messages",
    metadata,
    Column("id", key(24), primary_key=True),
    Column("fingerprint", key(16), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("type", String(255), nullable=False),
    Column("saga", String(200), nullable=False),
    Column("message_id", key(255), nullable=False),
    Column("source", String(255), nullable=False),
    Column("correlation_id", key(255), nullable=False),
    Column("queue", key(255), nullable=False),
    Column("exchange", String(255), nullable=False),
    Column("routing_key", String(255), nullable=False),
    Column("home", String(255), nullable=False),
    Column("sent_as", key(24), nullable=False),
    Column("size", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("redrives", Integer, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("parked_ms", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("decided_ms", BigInteger),
    Column("decided_by", String(200), nullable=False),
    Column("action", key(64), nullable=False),
    Column("claimed_ms", BigInteger, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("problem", LargeBinary, nullable=False),
    Column("candidates", LargeBinary, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("edited_head", LargeBinary),
    Column("edited_body", LargeBinary),
)
_NEWEST = (parked_messages.c.parked_ms, parked_messages.c.id)
Index("parked_messages_newest", *_NEWEST)
Index("parked_messages_state", parked_messages.c.state, *_NEWEST)
Index("parked_messages_group", parked_messages.c.fingerprint, parked_messages.c.state, *_NEWEST)
Index("parked_messages_message", parked_messages.c.message_id)
Index("parked_messages_correlation", parked_messages.c.correlation_id, *_NEWEST)
Index("parked_messages_sent_as", parked_messages.c.sent_as)
Index(
    "parked_messages_sending",
    parked_messages.c.claimed_ms,
    parked_messages.c.number,
    sqlite_where=text("state = 'redriving'"),
    postgresql_where=text("state = 'redriving'"),
)
Index("parked_messages_decided", parked_messages.c.decided_ms)

parked_copies = Table(
    "parked_copies",
    metadata,
    Column("copy_hash", key(32), primary_key=True),
    Column("message", key(24), nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
)
Index("parked_copies_message", parked_copies.c.message)
Index("parked_copies_stored", parked_copies.c.stored_ms)

parked_actions = Table(
    "parked_actions",
    metadata,
    Column("id", key(64), primary_key=True),
    Column("deed", String(10), nullable=False),
    Column("message", key(24), nullable=False),
    Column("fingerprint", key(16), nullable=False),
    Column("up_to", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("given_key", String(200), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    UniqueConstraint("actor", "given_key", name="parked_actions_given_key"),
)
Index("parked_actions_at", parked_actions.c.at_ms)
