"""An execution whose run is gone: what was under way is in doubt, and its undo comes to the same end."""

import pytest

from orchestrator.engine.effects import Perform
from orchestrator.engine.execution import Execution
from orchestrator.engine.seeding import GONE, seed_of
from orchestrator.engine.signals import Succeeded
from orchestrator.engine.states import Phase
from tests.engine_kit import TRIGGER as STARTED
from tests.engine_kit import Engine, step
from tests.hand_kit import Hand, event
from tests.trip_kit import command, trip

TRIGGER = event("trip.ordered", trip="t1")


def travel(**answers):
    return Hand(trip.plan, "trip:t1", TRIGGER, **answers)


def undo_all(execution, **fields):
    """Compensate; every undo succeeds. What was undone."""
    undone = []
    effects = list(execution.receive(command("CompensateRequested", **fields)))
    for effect in effects:
        if isinstance(effect, Perform):
            assert effect.direction == "undo"
            undone.append(effect.step)
            done = Succeeded(step=effect.step, direction="undo", attempt=effect.attempt)
            effects.extend(execution.receive(done))
    return undone


def test_what_was_under_way_is_in_doubt_and_undone_with_the_rest() -> None:
    execution = seed_of(travel(book_car="hold").execution, TRIGGER)
    assert (execution.step("book_car").phase, execution.step("book_car").outcome) == ("doubtful", "unknown")
    assert undo_all(execution)[-1] == "book_hotel"
    assert execution.word == "Compensated"


def test_steps_of_a_lost_attempt_are_undone_too() -> None:
    execution = seed_of(travel(book_hotel="hold").execution, TRIGGER, ("book_flight", "book_car"))
    assert sorted(undo_all(execution)) == ["book_car", "book_flight", "book_hotel"]


def test_nothing_was_begun_if_nothing_was_lost() -> None:
    execution = seed_of(travel(book_hotel="hold").execution, TRIGGER)
    assert undo_all(execution) == ["book_hotel"]


def test_an_execution_that_had_not_begun_is_begun_and_in_doubt() -> None:
    fresh = Execution.begin(trip.plan, "trip:t1")
    execution = seed_of(fresh, TRIGGER, ("book_flight", "book_car"))
    assert sorted(undo_all(execution)) == ["book_car", "book_flight", "book_hotel"]
    assert not fresh.state.started


def test_an_undo_under_way_is_made_again_as_the_next_attempt() -> None:
    hand = travel(undo_book_flight="hold", undo_book_car="hold")
    hand.tell(command("CancelRequested"))
    execution = seed_of(hand.execution, TRIGGER)
    effects = execution.receive(command("CompensateRequested"))
    made = {(effect.step, effect.attempt) for effect in effects if isinstance(effect, Perform)}
    assert made == {("book_flight", 2), ("book_car", 2)}


def test_a_pivot_under_way_counts_as_parked_so_that_the_override_is_needed() -> None:
    hand = travel(issue_ticket="hold")
    hand.arrives("trip.approved")
    hand.arrives("trip.confirmed")
    execution = seed_of(hand.execution, TRIGGER)
    assert execution.step("issue_ticket").phase == "parked"
    assert "override" in execution.objection(command("CompensateRequested"))
    assert undo_all(execution, override=True)[0] == "take_money"


def test_a_stuck_undo_stays_stuck_and_its_errors_are_kept() -> None:
    hand = travel(book_flight="fail", undo_book_flight="fail")
    step = seed_of(hand.execution, TRIGGER).step("book_flight")
    assert (step.error, step.undo_error) == ("book_flight is out of order", "undo book_flight is out of order")


@pytest.mark.parametrize("held", ["book_hotel", "book_car", "undo book_flight"])
def test_the_state_it_came_from_is_not_touched(held) -> None:
    hand = Hand(trip.plan, "trip:t1", TRIGGER, **{held.replace(" ", "_"): "hold"})
    before = hand.execution.dump()
    seed_of(hand.execution, TRIGGER, ("book_flight",))
    assert hand.execution.dump() == before


def test_an_ended_one_stays_as_it_is() -> None:
    hand = travel()
    hand.tell(command("CancelRequested"))
    assert seed_of(hand.execution, TRIGGER, ("take_money",)).dump() == hand.execution.dump()


@pytest.mark.parametrize("is_probed", [False, True], ids=["resting", "asked about"])
def test_what_waits_for_another_attempt_or_a_probe_is_in_doubt_and_no_timer_is_left(is_probed) -> None:
    engine = Engine(step("a", probe=is_probed))
    engine.fail("a", retryable=not is_probed)
    assert engine.phase("a") is (Phase.PROBING if is_probed else Phase.RESTING)
    seed = seed_of(engine.execution, STARTED)
    assert (seed.step("a").phase, seed.step("a").error) == (Phase.DOUBTFUL, "broke")
    assert seed.state.timers == []


def test_what_was_under_way_says_why_nobody_knows_its_end() -> None:
    assert seed_of(Engine(step("a")).execution, STARTED).step("a").error == GONE
