"""What was news to the ledger: each entry of a journal once, whoever tells it and how often."""

from typing import Any

from orchestrator.service.changes import Change, Stood, changes_of
from orchestrator.service.snapshots import status_of
from tests.ledger_kit import COMPENSATED, COMPLETED, RUNNING, T0, snapshot


def stood(signals, *, run: int = 1, **more: Any) -> Stood:
    one = snapshot(signals=signals)
    return Stood(status_of(one), T0 + run, one.execution.state.revision, more.get("started_ms", T0))


def change(*told: Any, known: Stood | None = None, is_newer: bool = True) -> Change:
    before = {} if known is None else {"shop:1": known}
    newest = [max(told, key=lambda one: (one.position.run_ms, one.position.history))]
    [made] = changes_of(newest, told, before, {"shop:1"} if is_newer else set())
    return made


def revisions(made: Change) -> list[int]:
    return [entry.revision for entry in made.entries]


def test_of_an_unknown_execution_all_is_news() -> None:
    made = change(snapshot(signals=COMPLETED, changed_ms=T0 + 5_000))
    assert (made.before, made.status, made.is_end, made.lasted_ms) == (None, "completed", True, 5_000)
    assert revisions(made) == [1, 2, 3]


def test_what_is_told_again_is_no_news() -> None:
    made = change(snapshot(signals=COMPLETED), known=stood(RUNNING))
    assert (made.before, made.status) == ("running", "completed")
    assert revisions(made) == [3]
    again = change(snapshot(signals=COMPLETED), known=stood(COMPLETED))
    assert (again.is_end, revisions(again)) == (False, [])


def test_what_is_told_twice_in_one_write_is_news_once() -> None:
    one = snapshot(signals=COMPLETED)
    assert revisions(change(one, one)) == [1, 2, 3]


def test_a_later_run_goes_on_behind_the_one_before() -> None:
    made = change(snapshot(signals=COMPENSATED, run=2), known=stood(COMPLETED, run=1))
    assert (made.before, made.status, made.is_end) == ("completed", "compensated", True)
    assert revisions(made) == [1, 2, 3, 4]


def test_a_row_that_was_not_replaced_keeps_its_status() -> None:
    made = change(snapshot(signals=RUNNING), known=stood(COMPLETED), is_newer=False)
    assert (made.before, made.status, made.is_end) == ("completed", "completed", False)
    assert revisions(made) == []


def test_an_execution_takes_as_long_as_since_its_first_run_began() -> None:
    known = stood(COMPLETED, started_ms=T0 - 60_000)
    assert change(snapshot(signals=COMPENSATED, run=2, changed_ms=T0 + 1_000), known=known).lasted_ms == 61_000
