"""Parked messages."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    _groups()
    _messages()
    _indexes()
    op.create_table(
        "parked_copies",
        sa.Column("copy_hash", _key(32), primary_key=True),
        *(_id("message", 24), _long("stored_ms")),
    )
    op.create_index("parked_copies_message", "parked_copies", ["message"])
    op.create_index("parked_copies_stored", "parked_copies", ["stored_ms"])
    _actions()


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _id(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, _key(length), nullable=False)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _long(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _groups() -> None:
    op.create_table(
        "parked_groups",
        sa.Column("fingerprint", _key(16), primary_key=True),
        *(_text("reason", 40), _text("type", 255), _id("queue", 255), _text("saga", 200), _bytes("text")),
        *(_long("waiting"), _long("total"), _long("last_number"), _long("first_ms"), _long("last_ms")),
        _number("reopened"),
        sa.Column("reopened_ms", sa.BigInteger),
    )
    op.create_index("parked_groups_last", "parked_groups", ["last_ms", "fingerprint"])


def _messages() -> None:
    op.create_table(
        "parked_messages",
        sa.Column("id", _key(24), primary_key=True),
        *(_id("fingerprint", 16), _long("number"), _text("state", 10), _text("reason", 40), _text("type", 255)),
        *(_text("saga", 200), _id("message_id", 255), _text("source", 255), _id("correlation_id", 255)),
        *(_id("queue", 255), _text("exchange", 255), _text("routing_key", 255), _text("home", 255)),
        *(_id("sent_as", 24), _number("size"), _number("seen"), _number("redrives")),
        *(_long("first_ms"), _long("parked_ms"), _number("revision")),
        sa.Column("decided_ms", sa.BigInteger),
        *(_text("decided_by", 200), _id("action", 64), _long("claimed_ms")),
        *(_bytes("text"), _bytes("problem"), _bytes("candidates"), _bytes("head"), _bytes("body")),
        sa.Column("edited_head", sa.LargeBinary),
        sa.Column("edited_body", sa.LargeBinary),
    )


def _indexes() -> None:
    newest = ["parked_ms", "id"]
    indexes = {
        "newest": newest,
        "state": ["state", *newest],
        "group": ["fingerprint", "state", *newest],
        "message": ["message_id"],
        "correlation": ["correlation_id", *newest],
        "sent_as": ["sent_as"],
        "decided": ["decided_ms"],
    }
    for name, columns in indexes.items():
        op.create_index(f"parked_messages_{name}", "parked_messages", columns)
    sending = sa.text("state = 'redriving'")
    op.create_index(
        "parked_messages_sending",
        "parked_messages",
        ["claimed_ms", "number"],
        sqlite_where=sending,
        postgresql_where=sending,
    )


def _actions() -> None:
    op.create_table(
        "parked_actions",
        sa.Column("id", _key(64), primary_key=True),
        *(_text("deed", 10), _id("message", 24), _id("fingerprint", 16), _long("up_to")),
        *(_text("actor", 200), _text("role", 20), _bytes("reason"), _text("given_key", 200), _text("body_hash", 64)),
        *(_long("at_ms"), _number("total"), _number("done"), _number("failed")),
        sa.UniqueConstraint("actor", "given_key", name="parked_actions_given_key"),
    )
    op.create_index("parked_actions_at", "parked_actions", ["at_ms"])
