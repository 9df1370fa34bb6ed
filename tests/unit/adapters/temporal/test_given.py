"""Nothing of a workflow's input is lost on its way."""

from dataclasses import fields

import pytest

from orchestrator.adapters.temporal.given import Carried, Given, Limits, Thread, from_json, to_json, without_payload
from orchestrator.engine.signals import ReceivedEvent
from tests.trip_kit import command, trip

TRIGGER = ReceivedEvent(identity="i", body_hash="h", type="trip.ordered", payload={"trip": "t1"})
PLAIN = {
    "plan": trip.plan,
    "execution_id": "trip:t1",
    "trigger": TRIGGER,
    "thread": Thread(correlation_id="c", causation_id="m", traceparent="p", tracestate="s"),
    "limits": Limits(run_budget_ms=7),
}
LINKED = {
    **PLAIN,
    "carried": Carried(state={"a": 1}, due_ms={"t": 2}, pending=[{"step": "s"}]),
    "command": command("CompensateRequested", from_step="book_flight", override=True),
}

WHOLE = Given(plan=trip.plan, execution_id="trip:t1", trigger=TRIGGER, thread=Thread(correlation_id="c"))


@pytest.mark.parametrize("parts", [PLAIN, LINKED], ids=["plain", "linked"])
def test_an_input_comes_back_whole(parts) -> None:
    given = Given(**parts)
    assert from_json(Given, to_json(given)) == given


def test_every_field_of_an_input_is_tried() -> None:
    assert {part.name for part in fields(Given)} == set(LINKED)


def test_a_trigger_that_is_a_fact_already_travels_without_its_payload() -> None:
    """Twice, a large one would not fit into one input."""
    given = from_json(Given, to_json(Given(**{**LINKED, "trigger": without_payload(TRIGGER)})))
    assert (given.trigger.identity, given.trigger.payload) == (TRIGGER.identity, None)


def test_executions_share_their_plan() -> None:
    """It would else be most of what an open execution weighs."""
    first, second = (from_json(Given, to_json(WHOLE)) for _ in range(2))
    assert first.plan is second.plan


def test_another_plan_is_another_plan() -> None:
    given = to_json(WHOLE)
    other = from_json(Given, {**given, "plan": {**given["plan"], "version": 9}})
    assert other.plan.version == 9
    assert from_json(Given, given).plan == trip.plan
