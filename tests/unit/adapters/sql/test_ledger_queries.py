"""How lists are read: SQLite tells which index it walks."""

from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.adapters.sql.ledger_queries import count_of, page_of
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


@pytest.mark.parametrize("field", ["current_step", "failed_step", "fingerprint"])
def test_the_condition_of_a_partial_index_is_written_out_for_plans_that_are_kept(field) -> None:
    given: dict[str, Any] = {field: "charge"}
    said = str(page_of(Filter(**given), None, 50).compile(dialect=postgresql.dialect()))
    assert f"{field} != ''" in said
