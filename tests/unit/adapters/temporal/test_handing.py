from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from temporalio import workflow
from temporalio.worker import WorkflowInterceptorClassInput

from orchestrator.adapters.temporal.given import Given, Thread
from orchestrator.adapters.temporal.handing import NAME, HandingOver, HandOver
from orchestrator.adapters.temporal.memo import ENTRY, PLAN
from orchestrator.engine.execution import Execution
from orchestrator.service.records import milliseconds
from tests.ledger_kit import BEGIN, COMPLETED, PLANS

STARTED = datetime(2030, 1, 1, tzinfo=UTC)
GIVEN = Given(plan=PLANS["shop"], execution_id="shop:1", trigger=BEGIN.trigger, thread=Thread(correlation_id="thread"))


@pytest.fixture
def world(monkeypatch):
    """What the workflow sees of Temporal."""
    world = SimpleNamespace(handed=[], seconds=100.0, replaying=False, history=3)
    info = SimpleNamespace(
        run_id="r1",
        workflow_id="shop:1/undo",
        workflow_start_time=STARTED,
        get_current_history_length=lambda: world.history,
    )
    monkeypatch.setattr(workflow, "extern_functions", lambda: {NAME: world.handed.append})
    monkeypatch.setattr(workflow, "info", lambda: info)
    monkeypatch.setattr(workflow, "time", lambda: world.seconds)
    monkeypatch.setattr(workflow, "memo", lambda: {ENTRY: {PLAN: "the hash"}})
    monkeypatch.setattr(workflow.unsafe, "is_replaying", lambda: world.replaying)
    return world


def told(hand_over, execution, *signals):
    for signal in signals:
        execution.receive(signal)
        hand_over.note(execution)


def test_a_snapshot_says_where_the_execution_stands_and_what_it_was_told(world) -> None:
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    told(hand_over, execution, *COMPLETED[:1])
    world.seconds = 101.5
    told(hand_over, execution, *COMPLETED[1:])
    hand_over.give(execution)
    (handed,) = world.handed
    position = handed.position
    assert (position.run_id, position.run_ms) == ("r1", milliseconds(STARTED))
    assert (position.history, position.revision) == (3, 3)
    assert (handed.execution_id, handed.workflow_id, handed.correlation_id) == ("shop:1", "shop:1/undo", "thread")
    assert (handed.plan_hash, handed.started_ms, handed.changed_ms) == ("the hash", milliseconds(STARTED), 101_500)
    assert [(entry.revision, entry.at_ms) for entry in handed.journal] == [(1, 100_000), (2, 101_500), (3, 101_500)]


def test_a_snapshot_does_not_change_with_the_execution(world) -> None:
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    told(hand_over, execution, *COMPLETED[:2])
    hand_over.give(execution)
    before = world.handed[0].execution.dump()
    told(hand_over, execution, *COMPLETED[2:])
    assert world.handed[0].execution.dump() == before


def test_what_has_not_moved_is_not_handed_over_again(world) -> None:
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    told(hand_over, execution, BEGIN)
    for _ in range(3):
        hand_over.give(execution)
    assert len(world.handed) == 1


def test_what_was_told_while_replaying_is_told_with_the_first_snapshot_after_it(world) -> None:
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    world.replaying = True
    told(hand_over, execution, *COMPLETED[:2])
    hand_over.give(execution)
    assert world.handed == []
    world.replaying = False
    told(hand_over, execution, *COMPLETED[2:])
    hand_over.give(execution)
    assert [entry.revision for entry in world.handed[0].journal] == [1, 2, 3]


def test_a_workflow_task_that_tells_nothing_is_no_change_for_another_worker_either(world) -> None:
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    world.replaying = True
    told(hand_over, execution, *COMPLETED[:2])
    world.replaying, world.seconds, world.history = False, 130.0, 9
    hand_over.give(execution)
    (handed,) = world.handed
    assert (handed.position.history, handed.changed_ms) == (9, 100_000)
    assert hand_over.answer(execution)["changed_ms"] == 100_000


def test_a_run_that_was_told_nothing_yet_has_changed_now(world) -> None:
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    hand_over.give(execution)
    assert world.handed[0].changed_ms == 100_000


def test_without_a_sink_nothing_is_done(world, monkeypatch) -> None:
    monkeypatch.setattr(workflow, "extern_functions", dict)
    monkeypatch.setattr(workflow, "time", None)
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    told(hand_over, execution, *COMPLETED)
    hand_over.give(execution)
    assert world.handed == []


def test_an_execution_without_a_memo_names_its_plan_itself(world, monkeypatch) -> None:
    monkeypatch.setattr(workflow, "memo", dict)
    execution, hand_over = Execution.begin(PLANS["shop"], "shop:1"), HandOver(GIVEN)
    told(hand_over, execution, BEGIN)
    hand_over.give(execution)
    assert world.handed[0].plan_hash == PLANS["shop"].content_hash


def test_the_worker_gives_the_sink_to_its_workflows() -> None:
    functions: dict[str, object] = {}
    sink = functions.__setitem__
    assert HandingOver(sink).workflow_interceptor_class(WorkflowInterceptorClassInput(functions)) is None  # type: ignore[arg-type]
    assert functions[NAME] is sink
