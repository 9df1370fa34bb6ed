"""The plan of an undo by hand is what the engine then does; it says what stays, and its hash names all of it."""

import pytest

from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import CompensateRequested, SuspendRequested
from orchestrator.errors import RefusedCommandError
from orchestrator.service.compensation import plan_undo
from tests.hand_kit import Hand, event
from tests.trip_kit import command, trip

WHOLE = [(1, "take_money"), (2, "book_car"), (2, "book_flight"), (3, "book_hotel")]


def travel(**answers):
    return Hand(trip.plan, "trip:t1", event("trip.ordered", trip="t1"), **answers)


def completed(**answers):
    hand = travel(**answers)
    hand.arrives("trip.approved")
    hand.arrives("trip.confirmed")
    return hand


def waves(plan):
    return sorted((step.wave, step.step) for step in plan.steps)


def test_the_whole_is_undone_in_waves_from_the_end_to_the_beginning() -> None:
    plan = plan_undo(completed().execution)
    assert waves(plan) == WHOLE
    assert plan.needs_override


def test_what_cannot_be_undone_is_named_with_the_reason() -> None:
    plan = plan_undo(completed().execution)
    assert {one.step: one.why for one in plan.cannot_undo} == {
        "issue_ticket": "it is the point of no return",
        "send_papers": "it stands behind the point of no return",
        "file_copy": "it stands behind the point of no return",
    }


def test_each_step_has_its_own_key_the_key_it_undoes_and_its_inputs() -> None:
    step = plan_undo(completed().execution).steps[0]
    assert (step.key, step.undoes) == ("trip:t1:take_money:undo:1", "trip:t1:take_money:do:1")
    assert (step.handler, step.inputs) == ("trip.give_money@1", {"trip_ordered": {"trip": "t1"}})


def test_from_a_step_what_depends_on_it_is_undone_and_the_rest_stays() -> None:
    hand = travel()
    plan = plan_undo(hand.execution, "book_flight")
    assert waves(plan) == [(1, "book_flight")]
    assert not plan.needs_override
    assert {one.step: one.why for one in plan.cannot_undo} == dict.fromkeys(
        ("book_hotel", "book_car"), "it does not depend on the step that was chosen"
    )


@pytest.mark.parametrize("from_step", [None, "book_flight"])
def test_the_plan_is_what_the_engine_then_does(from_step) -> None:
    hand = completed()
    plan = plan_undo(hand.execution, from_step)
    before = len(hand.performed)
    hand.tell(CompensateRequested(command_id="c", actor="ann", reason="r", from_step=from_step, override=True))
    assert sorted(hand.performed[before:]) == sorted(f"undo {step.step}" for step in plan.steps)


def test_after_the_undo_nothing_is_left_to_undo() -> None:
    hand = completed()
    hand.tell(command("CompensateRequested", override=True))
    assert plan_undo(hand.execution).steps == ()


def test_looking_changes_nothing() -> None:
    execution = completed().execution
    before = execution.dump()
    plan_undo(execution)
    assert execution.dump() == before


def test_what_is_under_way_is_in_the_plan_and_said_to_be() -> None:
    plan = plan_undo(travel(book_car="hold").execution)
    assert {step.step: step.note for step in plan.steps}["book_car"].startswith("it is under way")


def test_a_stuck_undo_and_a_doubtful_step_are_said_to_be() -> None:
    hand = travel(book_flight="fail", undo_book_flight="fail", undo_book_car="hold")
    notes = {step.step: step.note for step in plan_undo(hand.execution).steps}
    assert notes["book_flight"] == "its undo failed and is tried again"
    assert notes["book_car"] == "its undo is under way"


def test_an_undo_that_was_given_up_stays_and_is_said_to() -> None:
    hand = travel(book_flight="fail", undo_book_flight="fail")
    hand.tell(command("AbandonRequested"))
    assert {one.step: one.why for one in plan_undo(hand.execution).cannot_undo}[
        "book_flight"
    ] == "its undo was given up by hand"


def test_the_hash_names_the_content() -> None:
    same, moved = plan_undo(travel().execution), travel()
    assert plan_undo(travel().execution).hash == same.hash
    assert plan_undo(moved.execution, "book_flight").hash != same.hash
    moved.arrives("trip.approved")
    assert plan_undo(moved.execution).hash == same.hash, "a step without an undo changes nothing"
    moved.arrives("trip.confirmed")
    assert plan_undo(moved.execution).hash != same.hash


def test_the_hash_depends_on_inputs_and_is_the_same_without_them() -> None:
    other = Hand(trip.plan, "trip:t1", event("trip.ordered", trip="t1", guests=4))
    plan = plan_undo(travel().execution)
    assert plan_undo(other.execution).hash != plan.hash
    assert plan.without_inputs().hash == plan.hash
    assert all(step.inputs is None for step in plan.without_inputs().steps)


def test_while_the_pivot_is_under_way_there_is_no_plan() -> None:
    with pytest.raises(RefusedCommandError, match="wait for its outcome"):
        plan_undo(completed(issue_ticket="hold").execution)


def test_a_step_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RefusedCommandError, match="no step 'nothing'"):
        plan_undo(travel().execution, "nothing")


def test_a_suspended_one_has_a_plan_too() -> None:
    hand = travel()
    hand.tell(SuspendRequested(command_id="s", actor="ann", reason="r"))
    assert len(plan_undo(hand.execution).steps) == 3


@pytest.mark.parametrize("from_step", [None, "book_car"])
def test_the_hash_is_the_same_in_whichever_order_the_state_was_kept(from_step) -> None:
    execution = completed().execution
    turned = Execution.restore(execution.plan, _turned(execution.dump()))
    assert [*turned.state.steps] != [*execution.state.steps]
    assert plan_undo(turned, from_step).hash == plan_undo(execution, from_step).hash
    assert plan_undo(turned, from_step).cannot_undo == plan_undo(execution, from_step).cannot_undo


def _turned(value):
    """The same JSON with the names of every object the other way round."""
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return value
