from orchestrator.adapters.temporal.pending import RESEND, Pending, resend_name
from orchestrator.engine.effects import Perform
from tests.temporal_kit import STEPS


def test_a_pending_command_is_carried_over_without_its_call() -> None:
    perform = Perform(step="take", direction="do", attempt=1, call=STEPS["take"].do, is_pivot=False)
    assert Pending(perform, 1234, sent=3).dump() == {
        "step": "take",
        "direction": "do",
        "deadline_ms": 1234,
        "sent": 3,
    }


def test_each_direction_of_a_step_has_a_due_time_of_its_own_that_names_both() -> None:
    assert resend_name("a:b", "do") != resend_name("a:b", "undo")
    _, direction, step = resend_name("a:b", "undo").split(":", 2)
    assert (direction, step) == ("undo", "a:b")
    assert resend_name("x", "do").startswith(RESEND)
