"""Waits are read off the plan and the journal: events, sleeps, pauses; when each began, ended, or will end."""

from itertools import count
from typing import Literal

import pytest

from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import (
    Arrived,
    CancelRequested,
    Elapsed,
    Failed,
    Refused,
    ResumeRequested,
    Started,
    Succeeded,
    SuspendRequested,
)
from orchestrator.engine.turn import retry_timer, wait_timer
from orchestrator.saga.plan import (
    CallPlan,
    ParallelPlan,
    Plan,
    RetryPlan,
    SequencePlan,
    SleepPlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)
from orchestrator.service.attempts import attempts
from orchestrator.service.snapshots import entry_of, steps_of
from orchestrator.service.waits import Wait, waits
from tests.hand_kit import event

WHO = {"actor": "ann", "reason": "decided by hand"}
CALL = CallPlan(lane="command", handler="shop.x@1", message_type="x", participant="p")
RETRY = RetryPlan(attempts=3, first_delay_ms=2_000)


def step(name: str) -> StepPlan:
    return StepPlan(id=name, do=CALL, undo=CALL, retry=RETRY, undo_retry=RETRY)


def wait_for(name: str, kind: str = "approved", on_timeout: Literal["abort", "continue"] = "abort") -> WaitPlan:
    return WaitPlan(id=name, event=kind, key="id", gives=name, within_ms=60_000, on_timeout=on_timeout)


def plan_of(root) -> Plan:
    trigger = TriggerPlan(event="placed", gives="placed", key="id")
    return Plan(saga="shop", version=1, trigger=trigger, root=root, compensation_window_ms=1)


def seen(root, *told) -> list[tuple[str | int | None, ...]]:
    """The waits of an execution that was told these things, each at a second: step, kind, and seconds."""
    plan = plan_of(root)
    execution = Execution.begin(plan, "shop:1")
    times: list[int] = []
    for second, signal in ((0, Started(event("placed"))), *told):
        execution.receive(signal)
        times += [second * 1_000] * (len(execution.journal) - len(times))
    journal = [
        entry_of(one.revision, at_ms, one.signal, one.ignored)
        for one, at_ms in zip(execution.journal, times, strict=True)
    ]
    found = waits(plan, execution.state, journal, attempts(journal, [], steps_of(execution)))
    return [(one.step, one.kind, *(_second(at) for at in (one.began, one.ended, one.until))) for one in found]


def _second(at) -> int | None:
    return None if at is None else int(at.timestamp())


numbers = count(1)


def arrives(kind: str = "approved") -> Arrived:
    return Arrived(event(kind, next(numbers)))


def ok(name: str) -> Succeeded:
    return Succeeded(step=name)


ONE = SequencePlan(children=(step("a"), wait_for("w"), step("b")))


def test_a_wait_begins_when_what_is_before_it_has_passed_and_ends_by_its_event() -> None:
    assert seen(ONE, (3, ok("a"))) == [("w", "event", 3, None, 63)]
    assert seen(ONE, (3, ok("a")), (9, arrives())) == [("w", "event", 3, 9, 63)]
    assert seen(ONE) == []


def test_an_event_that_came_early_was_not_waited_for() -> None:
    assert seen(ONE, (1, arrives()), (3, ok("a"))) == []


def test_a_wait_whose_time_was_up_ended_then() -> None:
    over = (63, Elapsed(wait_timer("w")))
    assert seen(ONE, (3, ok("a")), over) == [("w", "event", 3, 63, 63)]


def test_of_two_waits_for_a_type_the_first_takes_the_first_event() -> None:
    root = SequencePlan(children=(wait_for("one"), wait_for("two")))
    found = seen(root, (4, arrives()), (9, arrives()))
    assert found == [("one", "event", 0, 4, 60), ("two", "event", 4, 9, 64)]


def test_a_sleep_ends_by_its_timer() -> None:
    root = SequencePlan(children=(SleepPlan(id="s", duration_ms=30_000), step("b")))
    assert seen(root) == [("s", "sleep", 0, None, 30)]
    assert seen(root, (30, Elapsed(wait_timer("s")))) == [("s", "sleep", 0, 30, 30)]


def test_behind_branches_a_wait_begins_with_the_last_of_them() -> None:
    root = SequencePlan(children=(ParallelPlan(children=(step("a"), step("b"))), wait_for("w")))
    assert seen(root, (2, ok("a"))) == []
    assert seen(root, (5, ok("b")), (2, ok("a"))) == [("w", "event", 5, None, 65)]


def test_nothing_begins_while_it_is_suspended() -> None:
    told = ((1, SuspendRequested(command_id="1", **WHO)), (2, ok("a")), (8, ResumeRequested(command_id="2", **WHO)))
    assert seen(ONE, *told) == [("w", "event", 8, None, 68)]
    resumed_before = ((1, told[0][1]), (2, told[2][1]), (4, ok("a")))
    assert seen(ONE, *resumed_before) == [("w", "event", 4, None, 64)]


def test_a_wait_ends_when_a_person_turns_the_execution_back() -> None:
    told = ((2, ok("a")), (7, CancelRequested(command_id="1", **WHO)))
    assert seen(ONE, *told) == [("w", "event", 2, 7, 62)]


def test_a_wait_ends_when_a_step_beside_it_fails() -> None:
    root = ParallelPlan(children=(step("a"), wait_for("w")), on_sibling_failure="cancel")
    assert seen(root, (6, Refused(step="a"))) == [("w", "event", 0, 6, 60)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ((), ("a", "pause", 5, None, 7)),
        (((7, Elapsed(retry_timer("a", "do", 1))),), ("a", "pause", 5, 7, 7)),
    ],
)
def test_a_pause_lasts_from_an_attempt_to_the_next(more, expected) -> None:
    assert seen(step("a"), (5, Failed(step="a", reason="no line")), *more) == [expected]


def test_of_a_pause_that_was_cut_short_nothing_is_left_but_the_attempt_behind_it() -> None:
    journal = [entry_of(1, 0, Failed(step="a", attempt=number), "") for number in (1, 2)]
    plan = plan_of(step("a"))
    assert waits(plan, Execution.begin(plan, "shop:1").state, journal, attempts(journal, [], [])) == ()


def test_what_an_earlier_run_was_told_is_not_known_any_more() -> None:
    plan = plan_of(ONE)
    execution = Execution.begin(plan, "shop:1")
    execution.receive(Started(event("placed")))
    execution.receive(ok("a"))
    (found,) = waits(plan, execution.state, [], [])
    assert found == Wait(
        step="w", kind="event", reason="waits for the event approved", began=None, ended=None, until=None
    )
