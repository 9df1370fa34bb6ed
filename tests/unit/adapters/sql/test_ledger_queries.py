"""How lists are read: SQLite tells which index it walks."""

from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.adapters.sql.ledger_queries import count_of, page_of, width_of
from orchestrator.adapters.sql.ledger_tables import metadata
from orchestrator.service.records import Filter

BY_STEP_AND_STATUS = [
    (Filter(statuses=("stuck",), failed_step="charge"), "executions_failed (failed_step=? AND status=?)"),
    (Filter(failed_step="charge"), "executions_failed (failed_step=? AND status=?)"),
    (Filter(statuses=("running", "stuck"), current_step="charge"), "executions_current (current_step=? AND status=?)"),
    (Filter(statuses=("stuck",), fingerprint="f"), "executions_fingerprint (fingerprint=? AND status=?)"),
]


@pytest.fixture
def explained():
    """A function that says how a statement is carried out."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)

    def explain(statement) -> list[str]:
        said = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        with engine.connect() as connection:
            return [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {said}"))]

    yield explain
    engine.dispose()


@pytest.mark.parametrize(("wanted", "index"), BY_STEP_AND_STATUS)
def test_a_list_by_step_or_error_is_walked_along_its_index_by_status(explained, wanted, index) -> None:
    walks = [line for line in explained(page_of(wanted, None, 50)) if "INDEX executions_" in line]
    assert walks
    assert all(index in line for line in walks)


@pytest.mark.parametrize("other", [{"saga": "order"}, {"sagas": ("order", "audit")}, {"version": 2}])
def test_a_saga_or_version_beside_a_failed_step_is_judged_within_the_index(explained, other) -> None:
    wanted = Filter(statuses=("running", "stuck"), failed_step="charge", **other)
    for statement in (page_of(wanted, None, 50), count_of(wanted, 100)):
        walks = [line for line in explained(statement) if "executions_failed" in line]
        assert len(walks) == len(wanted.statuses)
        assert all("COVERING INDEX" in line for line in walks)


def test_a_text_is_looked_up_once_for_each_kind_of_name_by_its_index(explained) -> None:
    wanted = Filter(text="trip:t1", statuses=("running", "stuck"))
    for statement in (page_of(wanted, None, 50), count_of(wanted, 100)):
        searched = [line.partition("INDEX ")[2] for line in explained(statement) if line.startswith("SEARCH")]
        assert sorted(searched) == [
            "executions_correlation (correlation_id=?)",
            "executions_key (business_key>? AND business_key<?)",
            "sqlite_autoindex_executions_1 (execution_id>? AND execution_id<?)",
        ]
    for given, kinds in (("trip:t1", 2), ("t1", 1)):
        widths = [line for line in explained(width_of(given)) if "executions" in line]
        assert len(widths) == kinds
        assert all(line.startswith("SEARCH") for line in widths)


def test_what_few_names_begin_with_is_sorted_and_not_sought_among_all_by_change() -> None:
    orders = {
        is_wide: str(page_of(Filter(text="trip:t1"), None, 50, is_wide=is_wide).compile(dialect=postgresql.dialect()))
        for is_wide in (False, True)
    }
    assert "ORDER BY coalesce(executions.changed_ms" in orders[False]
    assert "ORDER BY executions.changed_ms DESC" in orders[True]


@pytest.mark.parametrize("field", ["current_step", "failed_step", "fingerprint"])
def test_the_condition_of_a_partial_index_is_written_out_for_plans_that_are_kept(field) -> None:
    given: dict[str, Any] = {field: "charge"}
    said = str(page_of(Filter(**given), None, 50).compile(dialect=postgresql.dialect()))
    assert f"{field} != ''" in said
