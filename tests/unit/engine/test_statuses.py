"""The two statuses, and the one word that lists show."""

import pytest

from orchestrator.engine.signals import AbandonRequested, CancelRequested, CompensateRequested, SuspendRequested
from tests.engine_kit import Engine, pivot, retriable, step


def shown(engine):
    return engine.execution.forward, engine.execution.undo, engine.word


def test_a_run_without_faults() -> None:
    engine = Engine(step("a"))
    assert shown(engine) == ("running", "none", "Running")
    engine.operate(SuspendRequested)
    assert shown(engine) == ("suspended", "none", "Suspended")
    engine.ok("a")
    assert shown(engine) == ("completed", "none", "Completed")


def test_a_run_that_turns_back() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.refuse("b")
    assert shown(engine) == ("aborted", "running", "Compensating")
    engine.operate(SuspendRequested)
    assert shown(engine) == ("aborted", "running", "Suspended")
    engine.refuse("a", "undo")
    assert shown(engine) == ("aborted", "stuck", "Stuck")
    engine.operate(AbandonRequested)
    assert shown(engine) == ("aborted", "partial", "Partially compensated")


def test_a_run_that_nothing_had_to_be_undone_of() -> None:
    engine = Engine(step("a"))
    engine.operate(CancelRequested)
    engine.refuse("a")
    assert shown(engine) == ("aborted", "none", "Aborted")


def test_a_run_that_waits_for_a_person_behind_the_pivot() -> None:
    engine = Engine(pivot("p"), retriable("r"))
    engine.ok("p")
    engine.refuse("r")
    assert shown(engine) == ("parked", "none", "Parked")


def test_a_completed_run_that_a_person_undoes() -> None:
    engine = Engine(step("a"))
    engine.ok("a")
    engine.operate(CompensateRequested)
    assert shown(engine) == ("completed", "running", "Compensating")
    engine.ok("a", "undo")
    assert shown(engine) == ("completed", "done", "Compensated")


@pytest.mark.parametrize("undo", [True, False])
def test_leaving_out_what_cannot_be_undone_is_not_partial(undo) -> None:
    engine = Engine(step("a", undo=undo), step("b"))
    engine.ok("a")
    engine.ok("b")
    engine.operate(CompensateRequested, from_step="b")
    engine.ok("b", "undo")
    assert engine.word == ("Partially compensated" if undo else "Compensated")
