"""The event store, and the triggers that let it only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

REFUSED = "the event store only grows"
# Retention moves the mark first, so a row that is kept cannot be deleted, by whomever.
KEPT = "OLD.stored_ms >= COALESCE((SELECT value FROM marks WHERE name = 'events-forgotten'), 0)"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "event_store",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        *(_id("identity", 32), _text("body_hash", 32), _id("source", 255), _id("message_id", 255), _id("type", 255)),
        sa.Column("version", sa.Integer, nullable=False),
        *(_text("kind", 8), _text("way", 3), _id("execution_id", 255), _id("saga", 200), _text("step", 200)),
        *(_text("call", 5), sa.Column("attempt", sa.SmallInteger, nullable=False), _text("outcome", 10)),
        *(_id("correlation_id", 255), _id("causation_id", 255), _id("sequence", 255)),
        sa.Column("place", sa.BigInteger),
        *(_long("at_ms"), _long("stored_ms"), _text("exchange", 255), _text("routing_key", 255)),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    _indexes()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _indexes() -> None:
    op.create_index("event_store_identity", "event_store", ["identity"], unique=True)
    for name, column in (("correlation", "correlation_id"), ("execution", "execution_id"), ("type", "type")):
        op.create_index(f"event_store_{name}", "event_store", [column, "number"])
    op.create_index("event_store_stored", "event_store", ["stored_ms"])
    sequenced = sa.text("place IS NOT NULL")
    op.create_index(
        "event_store_place",
        "event_store",
        ["source", "place", "stored_ms"],
        sqlite_where=sequenced,
        postgresql_where=sequenced,
    )


def _guard_sqlite() -> None:
    op.execute(
        f"CREATE TRIGGER event_store_no_update BEFORE UPDATE ON event_store BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )
    op.execute(
        f"CREATE TRIGGER event_store_no_delete BEFORE DELETE ON event_store WHEN {KEPT}"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION event_store_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    # A WHEN of a trigger may hold no subquery here, so this one looks by itself.
    op.execute(
        "CREATE FUNCTION event_store_refuse_kept() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {KEPT} THEN RAISE EXCEPTION '{REFUSED}'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER event_store_no_update BEFORE UPDATE OR TRUNCATE ON event_store"
        " FOR EACH STATEMENT EXECUTE FUNCTION event_store_refuse()"
    )
    op.execute(
        "CREATE TRIGGER event_store_no_delete BEFORE DELETE ON event_store"
        " FOR EACH ROW EXECUTE FUNCTION event_store_refuse_kept()"
    )


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _id(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, _key(length), nullable=False)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _long(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
