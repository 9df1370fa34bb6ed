"""Tables of access: API tokens, accounts, sessions, what people set for themselves; answers that are given again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

from orchestrator.adapters.sql.ledger_tables import key, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("id", key(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", key(64), nullable=False, unique=True),
    Column("caller", LargeBinary, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", String(200), nullable=False),
)
Index("tokens_made", tokens.c.made_ms, tokens.c.id)

accounts = Table(
    "accounts",
    metadata,
    Column("name", key(200), primary_key=True),
    Column("caller", LargeBinary, nullable=False),
    Column("password", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("stamp", String(32), nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", key(64), primary_key=True),
    Column("source", key(400), nullable=False),
    Column("account", key(300), nullable=False),
    Column("caller", LargeBinary, nullable=False),
    Column("basis", String(64), nullable=False),
    Column("must_choose", Boolean, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
)
Index("sessions_account", sessions.c.source, sessions.c.account)
Index("sessions_ends", sessions.c.ends_ms)

preferences = Table(
    "preferences",
    metadata,
    Column("actor", key(300), primary_key=True),
    Column("time_zone", String(100), nullable=False),
    Column("theme", String(10), nullable=False),
)

views = Table(
    "views",
    metadata,
    Column("actor", key(300), primary_key=True),
    Column("name", key(100), primary_key=True),
    Column("query", LargeBinary, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("actor", key(200), primary_key=True),
    Column("given_key", key(200), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("holder", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary, nullable=False),
)
Index("answers_at", answers.c.at_ms)
