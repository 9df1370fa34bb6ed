"""The way back: what is undone, in which order, and when everything is settled."""

from orchestrator.engine.effects import End
from orchestrator.engine.signals import CancelRequested, Elapsed
from orchestrator.engine.states import Phase
from tests.engine_kit import Engine, parallel, pivot, sequence, sleep, step, wait


def test_undos_follow_the_flow_backwards_and_independent_branches_at_the_same_time() -> None:
    engine = Engine(step("a"), parallel(sequence(step("b"), step("c")), step("x")), step("z"))
    for name in "abxc":
        engine.ok(name)
    assert engine.refuse("z") == ["undo c 1", "undo x 1"]
    assert engine.ok("c", "undo") == ["undo b 1"]
    assert engine.ok("x", "undo") == []
    assert engine.ok("b", "undo") == ["undo a 1"]
    engine.ok("a", "undo")
    assert engine.effects[-1] == End("Compensated")


def test_serial_undo_is_the_exact_reverse_of_the_begins() -> None:
    engine = Engine(parallel(step("x"), sequence(step("b"), step("c"))), step("z"), unwind="serial")
    for name in "xbc":
        engine.ok(name)
    assert engine.refuse("z") == ["undo c 1"]
    assert engine.ok("c", "undo") == ["undo b 1"]
    assert engine.ok("b", "undo") == ["undo x 1"]


def test_a_fact_used_by_another_branch_is_a_dependency_too() -> None:
    engine = Engine(parallel(step("x"), step("y", after=("x",))), step("z"))
    assert engine.performs() == ["do x 1"]
    assert engine.ok("x") == ["do y 1"]
    engine.ok("y")
    assert engine.refuse("z") == ["undo y 1"]


def test_unwinding_begins_when_everything_in_flight_has_its_outcome() -> None:
    engine = Engine(parallel(step("x"), step("y"), step("z")))
    engine.ok("x")
    assert engine.refuse("y") == []
    assert engine.ok("z") == ["undo z 1", "undo x 1"]


def test_a_stuck_undo_holds_back_what_it_depends_on_and_nothing_else() -> None:
    engine = Engine(step("a"), parallel(sequence(step("b"), step("c")), step("x")), step("z"))
    for name in "abxc":
        engine.ok(name)
    engine.refuse("z")
    engine.refuse("x", "undo")
    assert engine.word == "Stuck"
    assert engine.ok("c", "undo") == ["undo b 1"], "the other branch goes on"
    assert engine.ok("b", "undo") == [], "a waits for the stuck one"


def test_turning_back_drops_waits_sleeps_and_pauses_at_once() -> None:
    engine = Engine(parallel(wait("w"), sleep("z"), step("a"), step("b")))
    engine.fail("a")
    assert engine.refuse("b") == ["undo a 1"]
    assert (engine.phase("w"), engine.phase("z"), engine.state.timers) == (Phase.DROPPED, Phase.DROPPED, [])


def test_the_deadline_is_over_once_it_turns_back() -> None:
    engine = Engine(step("a"), within_ms=1_000)
    engine.operate(CancelRequested)
    assert engine.state.timers == []


def test_a_step_without_undo_is_left_as_it_is() -> None:
    engine = Engine(step("a"), step("b", undo=False), step("c"))
    engine.ok("a")
    engine.ok("b")
    assert engine.refuse("c") == ["undo a 1"]


def test_when_nothing_had_to_be_undone_it_is_aborted() -> None:
    engine = Engine(step("a", undo=False), step("c"))
    engine.ok("a")
    engine.refuse("c")
    assert engine.effects == (End("Aborted"),)


def test_an_undo_that_rests_waits_for_a_later_success_of_what_depends_on_it() -> None:
    engine = Engine(step("a"), step("b"), step("c"))
    engine.ok("a")
    engine.refuse("b")
    engine.fail("a", "undo")
    assert engine.ok("c") == ["undo c 1"]
    assert engine.tell(Elapsed("retry:undo:1:a")) == []
    assert engine.ok("c", "undo") == ["undo a 2"]


def test_what_waited_for_the_pivot_is_over_when_the_pivot_itself_turns_it_back() -> None:
    engine = Engine(step("a"), pivot("p"))
    engine.ok("a")
    engine.operate(CancelRequested)
    assert engine.state.waiting_abort is not None
    engine.refuse("p")
    assert engine.state.waiting_abort is None
