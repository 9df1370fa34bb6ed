"""Commands are refused before anything is written; a command under way counts as a change."""

from types import SimpleNamespace
from typing import Any, get_args

import pytest
from temporalio.exceptions import ApplicationError

from orchestrator.adapters.temporal.operating import COMMANDS, CONFLICT, REFUSED, Order, Orders
from orchestrator.adapters.temporal.room import Room
from orchestrator.engine import signals
from orchestrator.engine.execution import Execution
from orchestrator.engine.states import Phase, StepState
from tests.trip_kit import command, trip

TRIGGER = signals.ReceivedEvent(identity="i", body_hash="h", type="trip.ordered", payload={"trip": "t1"})
RUNNING = 1


def orders():
    execution = Execution.begin(trip.plan, "trip:t1")
    execution.receive(signals.Started(TRIGGER))
    interpreter: Any = SimpleNamespace(execution=execution, room=Room(execution, 0))
    return Orders(interpreter)


def refusal(given, order):
    with pytest.raises(ApplicationError) as refused:
        given.check(order)
    return refused.value


def test_every_command_of_the_engine_has_a_word() -> None:
    assert set(COMMANDS.values()) == set(get_args(signals.Operator))


def test_an_order_carries_its_command_whole() -> None:
    given = command("RetryRequested", step="book_flight", edited={"trip_ordered": {"trip": "t2"}})
    assert Order.of(given, 3).read() == given


@pytest.mark.parametrize("word", ["erase", "retry"])
def test_what_cannot_be_read_is_refused(word) -> None:
    assert refusal(orders(), Order(word=word, command={"command_id": "c"})).type == REFUSED


@pytest.mark.parametrize("missing", ["actor", "reason"])
def test_a_command_without_actor_or_reason_is_refused(missing) -> None:
    order = Order.of(command("SuspendRequested", **{missing: ""}), None)
    assert "actor and reason" in refusal(orders(), order).message


def test_the_engines_objection_refuses() -> None:
    assert refusal(orders(), Order.of(command("ResumeRequested"), None)).type == REFUSED


def test_an_input_for_which_there_is_no_room_is_refused() -> None:
    given = orders()
    given._interpreter.execution.state.steps["book_flight"] = StepState(phase=Phase.PARKED)
    order = Order.of(command("RetryRequested", step="book_flight", edited={"trip_ordered": "x" * 2_000_000}), None)
    assert "too large" in refusal(given, order).message


def test_the_revision_that_was_seen_must_be_the_present_one() -> None:
    given = orders()
    given.check(Order.of(command("SuspendRequested"), RUNNING))
    refused = refusal(given, Order.of(command("SuspendRequested"), 0))
    assert (refused.type, refused.details) == (CONFLICT, (RUNNING, ["1 started"]))


def test_a_command_under_way_counts_as_a_change() -> None:
    given = orders()
    given._waiting["x"] = command("CancelRequested", actor="bob")
    refused = refusal(given, Order.of(command("SuspendRequested"), RUNNING))
    assert refused.details == (RUNNING, ["cancel by bob, under way"])


def test_a_command_that_was_taken_is_not_refused_again() -> None:
    given, same = orders(), command("SuspendRequested")
    given._interpreter.execution.receive(same)
    given.check(Order.of(same, 0))
