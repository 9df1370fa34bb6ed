from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from orchestrator.adapters.sql.tables import inbox, outbox


def test_sqlite_never_gives_a_number_of_the_outbox_twice() -> None:
    assert "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT" in str(CreateTable(outbox).compile(dialect=sqlite.dialect()))


def test_postgresql_has_numbers_for_a_long_time() -> None:
    assert "number BIGSERIAL" in str(CreateTable(outbox).compile(dialect=postgresql.dialect()))


def test_a_forward_key_has_one_row_per_participant() -> None:
    assert [column.name for column in inbox.primary_key] == ["participant", "forward_key"]
