"""When an attempt that was lost still matters, and what it may be at (express.md, 9, 10 and 13)."""

import pytest

from orchestrator.engine.effects import Perform
from orchestrator.engine.lookahead import leaves_nothing_open, lookahead, maybe_begun
from orchestrator.engine.signals import CancelRequested, Lost, Stalled, SuspendRequested
from tests.engine_kit import TRIGGER, Engine, pivot, sleep, step, wait


def test_a_step_without_its_end_keeps_a_lost_attempt_in_mind() -> None:
    engine = Engine(step("a", "command"), step("b"))
    assert not leaves_nothing_open(engine.execution)
    engine.fail("a")
    assert not leaves_nothing_open(engine.execution)


def test_a_step_that_no_worker_has_code_for_keeps_it_in_mind_too() -> None:
    engine = Engine(step("a"), step("b"))
    engine.tell(Stalled(step="a", reason="no code"))
    assert not leaves_nothing_open(engine.execution)
    assert set(maybe_begun(engine.execution, engine.execution, TRIGGER)) == {"a", "b"}


def test_a_step_parked_for_want_of_code_is_undone_if_a_lost_attempt_may_have_begun_it() -> None:
    engine = Engine(step("a"))
    engine.tell(Stalled(step="a", reason="no code"))
    engine.tell(Lost(("a",), 0))
    assert engine.operate(CancelRequested) == ["undo a 1"]


def test_without_a_lost_attempt_a_step_parked_for_want_of_code_needs_no_undo() -> None:
    engine = Engine(step("a"))
    engine.tell(Stalled(step="a", reason="no code"))
    assert engine.operate(CancelRequested) == []
    assert engine.word == "Aborted"


@pytest.mark.parametrize("last", [step("d", "durable"), pivot("p", "command"), wait("w"), sleep("z")], ids=str)
def test_what_needs_the_server_ends_it_for_there_a_lost_attempt_ended_too(last) -> None:
    engine = Engine(step("a"), last)
    engine.ok("a")
    assert leaves_nothing_open(engine.execution)


def test_a_suspended_execution_is_held_back_where_the_lost_attempt_was_not() -> None:
    engine = Engine(step("a"), step("b"))
    engine.operate(SuspendRequested)
    engine.ok("a")
    assert not leaves_nothing_open(engine.execution)
    assert maybe_begun(engine.execution, engine.execution, TRIGGER) == ("b",)


def test_the_lost_attempt_may_be_at_the_next_try_of_a_step_so_its_undo_waits() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.tell(Lost(("a",), 2_000))
    assert [after_ms for timer, after_ms in engine.timers() if timer.startswith("fence:")] == [2_000]
    assert engine.operate(CancelRequested) == []


def test_a_run_ends_behind_a_probe_once_it_turned_back() -> None:
    """What the probe says decides whether there is anything to undo; its success is not the undo's."""
    engine = Engine(step("s"), step("b", "command", probe=True))
    engine.ok("s")
    engine.operate(CancelRequested)
    engine.fail("b", retryable=False)
    ready = [effect for effect in engine.effects if isinstance(effect, Perform)]
    assert [(item.perform.step, item.perform.direction) for item in lookahead(engine.execution, ready)] == [
        ("b", "probe")
    ]
