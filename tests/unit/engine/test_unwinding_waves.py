"""In which order open undos will be made: dependents first, independent ones together, serial ones one by one."""

from orchestrator.engine.turn import Turn
from orchestrator.engine.unwinding import undo_waves
from tests.hand_kit import Hand, event
from tests.trip_kit import trip


def waves(plan):
    execution = Hand(plan, "trip:t1", event("trip.ordered", trip="t1")).execution
    return list(undo_waves(Turn(plan, execution.state)))


def test_independent_undos_share_a_wave() -> None:
    assert waves(trip.plan) == [["book_car", "book_flight"], ["book_hotel"]]


def test_serial_undos_have_a_wave_each() -> None:
    plan = trip.plan.model_copy(update={"unwind": "serial"})
    assert waves(plan) == [["book_car"], ["book_flight"], ["book_hotel"]]
