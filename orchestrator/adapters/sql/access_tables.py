"""Tables of access: API tokens, and the answers that are given again to a repeated request."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

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
