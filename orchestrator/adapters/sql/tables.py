"""The tables of participants: one inbox row per forward key, one outbox row per event that is not sent yet."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("participant", String(100), primary_key=True),
    Column("forward_key", String(400), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("body_hash", String(64), nullable=False, default=""),
    Column("reply_type", String(255), nullable=False, default=""),
    Column("reply", LargeBinary, nullable=False, default=b"null"),
    Column("code", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("changed", DateTime(timezone=True), nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("participant", String(100), nullable=False, index=True),
    Column("envelope", LargeBinary, nullable=False),
    # A number used again would let one process remove, as sent, an event that another has just stored under it.
    sqlite_autoincrement=True,
)
