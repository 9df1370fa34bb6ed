"""Operations, the audit, bulks, switches."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _operations()
    _audit()
    _bulks()
    op.create_table(
        "switches",
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("name", _key(200), primary_key=True),
        *(_text("actor", 200), _bytes("reason"), _long("at_ms")),
    )


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


def _revisions() -> tuple[sa.Column[int], sa.Column[int]]:
    return sa.Column("before", sa.Integer), sa.Column("after", sa.Integer)


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", _key(64), primary_key=True),
        *(_id("execution_id", 255), _text("actor", 200), _text("role", 20), _bytes("request"), _bytes("reason")),
        *(_text("plan", 64), _text("given_key", 200), _text("body_hash", 64), _text("state", 12)),
        *(_id("workflow_id", 300), *_revisions(), _bytes("text"), _id("bulk", 64), _long("accepted_ms")),
        sa.Column("settled_ms", sa.BigInteger),
        sa.UniqueConstraint("actor", "given_key", name="operations_given_key"),
    )
    op.create_index("operations_execution", "operations", ["execution_id", "accepted_ms"])
    op.create_index("operations_state", "operations", ["state", "id"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *(_long("at_ms"), _text("actor", 200), _text("role", 20), _text("what", 40), _id("target", 255)),
        *(_text("result", 12), _bytes("reason"), _bytes("text"), _id("operation_id", 64), *_revisions()),
        *(_text("origin", 200), _text("previous", 64), _text("hash", 64)),
    )
    op.create_index("audit_target", "audit", ["target", "number"])
    op.create_index("audit_actor", "audit", ["actor", "number"])
    head = op.create_table(
        "audit_head",
        sa.Column("name", sa.String(8), primary_key=True),
        *(_long("number"), _text("hash", 64)),
    )
    op.bulk_insert(head, [{"name": "head", "number": 0, "hash": "0" * 64}])


def _bulks() -> None:
    op.create_table(
        "bulks",
        sa.Column("id", _key(64), primary_key=True),
        *(_text("actor", 200), _bytes("caller"), _text("word", 20), _bytes("reason"), _text("given_key", 200)),
        sa.Column("rate", sa.Float, nullable=False),
        _text("state", 20),
        sa.Column("total", sa.Integer, nullable=False),
        _long("created_ms"),
        sa.UniqueConstraint("actor", "given_key", name="bulks_given_key"),
    )
    op.create_index("bulks_state", "bulks", ["state", "id"])
    op.create_table(
        "bulk_items",
        sa.Column("bulk", _key(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *(_id("execution_id", 255), _text("state", 8)),
        sa.Column("round", sa.Integer, nullable=False),
        *(_id("operation_id", 64), _bytes("text")),
    )
    op.create_index("bulk_items_state", "bulk_items", ["bulk", "state", "number"])
