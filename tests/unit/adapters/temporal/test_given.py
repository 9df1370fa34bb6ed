import pytest
from pydantic import ValidationError

from orchestrator.adapters.temporal.given import Call, Carried, Given, Limits, Report, from_json, to_json
from orchestrator.engine.signals import ReceivedEvent
from tests.temporal_kit import THREAD, call, saga

TRIGGER = ReceivedEvent(identity="i", body_hash="b", type="asked", payload={"key": "1"}, message_id="m1")


def test_the_input_of_a_workflow_comes_back_as_it_went_its_plan_included() -> None:
    carried = Carried(state={"steps": {}}, due_ms={"a": 1}, pending=[{"step": "take"}])
    given = Given(
        plan=saga.plan, execution_id="fetch:1", trigger=TRIGGER, thread=THREAD, limits=Limits(), carried=carried
    )
    again = from_json(Given, to_json(given))
    assert again == given
    assert again.plan.content_hash == saga.plan.content_hash


def test_a_call_comes_back_as_it_went() -> None:
    made = call("take", after=["wrap"], deadline_ms=5)
    assert from_json(Call, to_json(made)) == made


def test_defaults_do_not_travel_in_reports_they_would_cost_history() -> None:
    made = Report(step="take", direction="do", attempt=1, kind="ok")
    assert to_json(made) == {"step": "take", "direction": "do", "attempt": 1, "kind": "ok"}


def test_a_shape_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValidationError):
        from_json(Report, {"step": "take", "direction": "sideways", "attempt": 1, "kind": "ok"})
