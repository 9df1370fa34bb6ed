"""The front of the engine: what it refuses to be told, and what a stored state must fit."""

import pytest

from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import ReceivedEvent, Started, Succeeded
from orchestrator.errors import IllegalSignalError, ReplayMismatchError
from orchestrator.saga.plan import Plan
from sagas import SAGAS

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
