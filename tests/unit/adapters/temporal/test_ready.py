"""What was asked for and not begun: kept in order, by lane and by direction."""

from typing import Literal

from orchestrator.adapters.temporal.pending import act_of
from orchestrator.adapters.temporal.ready import Ready
from orchestrator.engine.effects import Perform
from tests.temporal_kit import STEPS


def perform(step: str, direction: Literal["do", "undo"] = "do", attempt: int = 1) -> Perform:
    call = STEPS[step].do if direction == "do" else STEPS[step].undo
    assert call is not None
    return Perform(step=step, direction=direction, attempt=attempt, call=call, is_pivot=False)


def ready(*performs):
    made = Ready()
    for one in performs:
        made.add(one)
    return made


def test_it_is_empty_until_something_was_asked_for() -> None:
    assert not Ready()
    assert not Ready().are_brief
    assert ready(perform("carve"))
    assert not ready(perform("carve")).are_brief
    assert ready(perform("carve"), perform("wrap")).are_brief


def test_what_a_run_has_begun_is_out_and_known_until_its_reports_are_taken() -> None:
    made = ready(perform("take"), perform("wrap"))
    made.hold([act_of(perform("take"))])
    assert made.all == [perform("wrap")]
    assert made.is_held(perform("take"))
    assert not made.is_held(perform("take", attempt=2))
    made.hold(())
    assert not made.is_held(perform("take"))


def test_what_the_engine_does_not_wait_for_is_dropped() -> None:
    made = ready(perform("take"), perform("wrap"))
    made.drop_all_but([perform("wrap")])
    assert made.all == [perform("wrap")]


def test_forward_attempts_are_taken_out_and_undos_stay() -> None:
    made = ready(perform("take"), perform("wrap", "undo"), perform("carve"))
    assert made.steps == {"take", "carve"}
    assert made.take_forward() == [perform("take"), perform("carve")]
    assert made.all == [perform("wrap", "undo")]


def test_what_is_not_for_the_express_lane_is_taken_out_apart() -> None:
    made = ready(perform("take"), perform("carve"))
    assert made.take_put_off() == [perform("carve")]
    assert made.all == [perform("take")]
