"""The demo looks on, also when somebody ends its executions from outside."""

from dataclasses import dataclass, field

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import TypedSearchAttributes

from workers.demo_accounting import account
from workers.demo_orders import Wish, make_orders
from workers.demo_watch import Watcher
from workers.participants.books import Effect

ORDERS = make_orders("run", Wish(2), 1)
FIRST, SECOND = (order.execution_id for order in ORDERS)


@dataclass
class Row:
    id: str
    status: WorkflowExecutionStatus
    typed_search_attributes: TypedSearchAttributes = field(default_factory=lambda: TypedSearchAttributes([]))


@dataclass
class Temporal:
    """A stand-in for the client: rows by status; only what has completed has a result."""

    rows: list[Row]

    async def list_workflows(self, _query):
        for row in self.rows:
            yield row

    def get_workflow_handle(self, execution_id):
        return Handle(next(row for row in self.rows if row.id == execution_id))


@dataclass
class Handle:
    row: Row

    async def result(self):
        assert self.row.status is WorkflowExecutionStatus.COMPLETED
        return {"word": "Completed"}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (WorkflowExecutionStatus.TERMINATED, "Terminated"),
        (WorkflowExecutionStatus.TIMED_OUT, "Timed out"),
        (WorkflowExecutionStatus.FAILED, "Failed"),
        (WorkflowExecutionStatus.CANCELED, "Canceled"),
    ],
)
async def test_what_was_ended_from_outside_ends_the_watch_and_is_accounted_as_held(status, word) -> None:
    words: dict[str, str] = {}
    temporal = Temporal([Row(FIRST, WorkflowExecutionStatus.COMPLETED), Row(SECOND, status)])
    watcher = Watcher(temporal, ORDERS, words)  # type: ignore[arg-type]
    await watcher.look()
    assert words == {FIRST: "Completed", SECOND: word}
    assert watcher.is_over
    effect = Effect(ORDERS[1].placed.order_id, "stock", "key", "do", 2)
    made = account(ORDERS, words, [effect], published=2, seconds=1.0)
    assert not made.balances
    assert (made.held_effects, made.leftover_effects) == (1, 0)
    assert any(f"{SECOND} was ended from outside ({word})" in sentence for sentence in made.disagreements)


async def test_what_runs_or_goes_on_in_a_new_run_is_still_watched() -> None:
    words: dict[str, str] = {}
    rows = [Row(FIRST, WorkflowExecutionStatus.RUNNING), Row(SECOND, WorkflowExecutionStatus.CONTINUED_AS_NEW)]
    watcher = Watcher(Temporal(rows), ORDERS, words)  # type: ignore[arg-type]
    await watcher.look()
    assert words == {FIRST: "Running"}
    assert not watcher.is_over
