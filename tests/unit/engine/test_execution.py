"""The front of the engine: what it refuses to be told, and what a stored state must fit."""

import pytest

from orchestrator.engine.effects import ClearTimer, End
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import (
    CancelRequested,
    CompensateRequested,
    Elapsed,
    ReceivedEvent,
    ResumeRequested,
    RetryRequested,
    Started,
    Succeeded,
)
from orchestrator.errors import IllegalSignalError, ReplayMismatchError
from orchestrator.saga.plan import CallPlan, Need, Plan
from sagas import SAGAS
from tests.engine_kit import ONCE, Engine, parallel, pivot, step, wait

PLAN = SAGAS[0].plan
TRIGGER = ReceivedEvent(identity="t", body_hash="t", type="order.placed", payload={"order_id": "A17"})


def started():
    execution = Execution.begin(PLAN, "fulfil-order:A17")
    execution.receive(Started(TRIGGER))
    return execution


def test_nothing_can_be_told_before_the_start_and_the_start_only_once() -> None:
    with pytest.raises(IllegalSignalError, match="not started; it cannot take Succeeded"):
        Execution.begin(PLAN, "x").receive(Succeeded(step="reserve_stock"))
    with pytest.raises(IllegalSignalError, match="started; it cannot take Started"):
        started().receive(Started(TRIGGER))


def test_an_outcome_of_a_step_that_the_plan_does_not_have_is_a_fault_of_the_caller() -> None:
    with pytest.raises(IllegalSignalError, match="fly_to_the_moon is no step of this plan"):
        started().receive(Succeeded(step="fly_to_the_moon"))


def test_a_stored_state_goes_on_where_it_was() -> None:
    execution = started()
    twin = Execution.restore(PLAN, execution.dump())
    assert twin.state == execution.state
    assert twin.pending() == execution.pending()


def test_an_execution_never_goes_on_with_another_plan_than_it_began_with() -> None:
    other = Plan.model_validate({**PLAN.model_dump(), "version": PLAN.version + 1})
    with pytest.raises(ReplayMismatchError, match=f"began with plan {PLAN.content_hash} and cannot go on with"):
        Execution.restore(other, started().dump())


def test_keys_tell_directions_apart_and_stay() -> None:
    execution = started()
    assert execution.key("reserve_stock", "do") == "fulfil-order:A17:reserve_stock:do:1"
    assert execution.key("reserve_stock", "undo") == "fulfil-order:A17:reserve_stock:undo:1"


def test_an_objection_is_told_before_anything_is_written() -> None:
    engine = Engine(step("a"))
    revision = engine.state.revision
    resume = ResumeRequested(command_id="c", actor="me", reason="because")
    assert engine.execution.objection(resume) == "nothing is suspended, parked or stuck"
    assert engine.state.revision == revision


def test_the_limit_of_an_attempt_is_the_steps() -> None:
    assert Engine(step("a")).execution.within_ms("a") == 1_000


def test_a_call_gets_the_facts_it_needs_those_a_person_edited_first() -> None:
    engine = Engine(pivot("p", retry=ONCE))
    call = CallPlan(lane="brief", handler="x", needs=(Need(fact="start"), Need(fact="later", optional=True)))
    assert engine.execution.facts_for("p", call) == {"start": {"id": "1"}}
    engine.fail("p")
    engine.operate(RetryRequested, step="p", edited={"start": {"id": "2"}})
    assert engine.execution.facts_for("p", call) == {"start": {"id": "2"}}


def test_nothing_ends_while_a_slow_worker_may_perform_what_is_in_doubt() -> None:
    engine = Engine(step("a"), step("b"))
    engine.operate(CompensateRequested, from_step="b")
    assert engine.fail("a", fence_ms=7) == []
    assert not engine.state.ended
    engine.tell(Elapsed("fence:undo:1:a"))
    assert (engine.state.ended, engine.word) == (True, "Partially compensated")


def test_at_the_end_no_timer_is_left() -> None:
    engine = Engine(step("a", undo=False))
    engine.fail("a", retryable=False, fence_ms=7)
    assert engine.effects[-2:] == (ClearTimer("fence:undo:1:a"), End("Aborted"))
    assert engine.state.timers == []


def test_pending_is_what_was_begun_and_not_answered() -> None:
    engine = Engine(parallel(step("x"), step("y", retry=ONCE, probe=True), pivot("p"), wait("w")))
    engine.fail("y")
    found = [(one.step, one.direction, one.attempt, one.is_pivot) for one in engine.execution.pending()]
    assert found == [("x", "do", 1, False), ("y", "probe", 1, False), ("p", "do", 1, True)]


def test_the_journal_tells_everything_with_the_reason_why_something_was_ignored() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.ok("a")
    told = [(entry.revision, type(entry.signal).__name__, entry.ignored) for entry in engine.execution.journal]
    assert told == [
        (1, "Started", ""),
        (2, "Succeeded", ""),
        (3, "Succeeded", "late: the step has its outcome already"),
    ]


def test_a_copy_goes_its_own_way() -> None:
    engine = Engine(step("a"), wait("w"), within_ms=9_000)
    before, twin = engine.execution.dump(), engine.execution.copy()
    twin.receive(Succeeded(step="a"))
    twin.receive(CancelRequested(command_id="c", actor="me", reason="because"))
    assert engine.execution.dump() == before


def test_what_a_step_gives_is_the_fact_of_its_forward_call_whatever_call_made_it() -> None:
    assert Engine(step("a", probe=True)).execution.gives("a") == "a_made"
