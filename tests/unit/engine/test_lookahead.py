"""What rides in one run, and what a lost attempt of one may have begun (express.md, 4, 8, 10)."""

import pytest

from orchestrator.engine.effects import Perform
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import (
    MAX_RUN,
    abort_after,
    changes_the_way,
    is_stable_refusal,
    leaves_nothing_open,
    lookahead,
    maybe_begun,
)
from orchestrator.engine.signals import (
    Arrived,
    CancelRequested,
    Failed,
    ReceivedEvent,
    Refused,
    ReleaseRequested,
    Started,
    Succeeded,
)
from orchestrator.saga.plan import (
    CallPlan,
    Lane,
    Need,
    Node,
    ParallelPlan,
    Plan,
    SequencePlan,
    StepPlan,
    TriggerPlan,
    WaitPlan,
)
from tests.engine_kit import Engine, parallel, sequence, sleep
from tests.engine_kit import step as kit_step

TRIGGER = ReceivedEvent(identity="t", body_hash="t", type="started", payload={"id": "1"})
NEWS = ReceivedEvent(identity="n", body_hash="n", type="news", payload={"text": "hello"})
CANCEL = CancelRequested(command_id="c", actor="me", reason="because")


def step(name: str, lane: Lane = "command", **more) -> StepPlan:
    needs = tuple(Need(fact=fact) for fact in more.pop("needs", ()))
    undo = None if "phase" in more else CallPlan(lane=lane, handler=f"undo_{name}")
    do = CallPlan(lane=lane, handler=name, needs=needs, gives=f"{name}_made")
    return StepPlan(id=name, do=do, undo=undo, **more)


def wait(name: str) -> WaitPlan:
    return WaitPlan(id=name, event="news", key="id", gives="news", within_ms=1_000)


def begun(*children: Node):
    """An execution that has just started, and what is ready to be performed."""
    root = SequencePlan(children=children)
    trigger = TriggerPlan(event="started", gives="start", key="id")
    plan = Plan(saga="s", version=1, trigger=trigger, root=root)
    execution = Execution.begin(plan, "s:1")
    return execution, performs(execution.receive(Started(TRIGGER)))


def performs(effects):
    return [effect for effect in effects if isinstance(effect, Perform)]


def names(items):
    return [(item.perform.step, item.perform.direction, item.after) for item in items]


def test_a_run_goes_on_over_brief_steps_and_ends_before_a_durable_one() -> None:
    execution, ready = begun(step("a"), step("b", "brief"), step("c", "durable"), step("d"))
    assert names(lookahead(execution, ready)) == [("a", "do", ()), ("b", "do", ("a",))]


def test_a_run_ends_before_a_pivot() -> None:
    execution, ready = begun(step("a"), step("p", phase="pivot"))
    assert names(lookahead(execution, ready)) == [("a", "do", ())]


def test_a_run_ends_before_an_event_that_is_not_there_and_passes_one_that_is() -> None:
    execution, ready = begun(step("a"), wait("w"), step("b", needs=("news", "a_made")))
    assert names(lookahead(execution, ready)) == [("a", "do", ())]
    execution.receive(Arrived(NEWS))
    run = lookahead(execution, ready)
    assert names(run) == [("a", "do", ()), ("b", "do", ("a",))]
    assert run[1].facts == {"news": {"text": "hello"}}, "what the run makes itself comes from the run"


def test_branches_ride_side_by_side() -> None:
    branches = ParallelPlan(children=(SequencePlan(children=(step("a"), step("b"))), step("x")))
    execution, ready = begun(branches, step("z"))
    assert names(lookahead(execution, ready)) == [
        ("a", "do", ()),
        ("x", "do", ()),
        ("b", "do", ("a",)),
        ("z", "do", ("a", "b", "x")),
    ]


def test_undos_ride_in_reverse() -> None:
    execution, _ = begun(step("a"), step("b"), step("c"))
    execution.receive(Succeeded(step="a"))
    execution.receive(Succeeded(step="b"))
    ready = performs(execution.receive(Refused(step="c")))
    assert names(lookahead(execution, ready)) == [("b", "undo", ()), ("a", "undo", ("b",))]


def test_undos_of_branches_ride_side_by_side() -> None:
    engine = Engine(parallel(kit_step("x"), kit_step("y")), kit_step("z"))
    engine.ok("x")
    engine.ok("y")
    engine.refuse("z")
    items = lookahead(engine.execution, performs(engine.effects))
    assert sorted(names(items)) == [("x", "undo", ()), ("y", "undo", ())]


def test_looking_ahead_changes_nothing() -> None:
    execution, ready = begun(step("a"), step("b"))
    before = execution.dump()
    lookahead(execution, ready)
    abort_after(execution, CANCEL)
    maybe_begun(execution, execution, TRIGGER)
    assert execution.dump() == before


def test_an_abort_is_seen_before_it_is_taken() -> None:
    execution, _ = begun(step("a"))
    assert abort_after(execution, Succeeded(step="a")) is None
    cause = abort_after(execution, CANCEL)
    assert cause is not None
    assert cause.reason == "cancel"


def test_a_participants_refusal_is_stable_while_no_other_branch_is_open() -> None:
    alone, _ = begun(step("a"))
    assert is_stable_refusal(alone, Refused(step="a"))
    beside, _ = begun(ParallelPlan(children=(step("a"), step("x"))))
    assert not is_stable_refusal(beside, Refused(step="a"))
    beside.receive(Succeeded(step="x"))
    assert is_stable_refusal(beside, Refused(step="a"))


@pytest.mark.parametrize("code", ["undone", "conflict", "expired"])
def test_a_refusal_that_proves_a_lost_attempt_is_not_stable(code) -> None:
    execution, _ = begun(step("a"))
    assert not is_stable_refusal(execution, Refused(step="a", code=code))


def test_neither_a_time_out_nor_an_actions_refusal_is_stable() -> None:
    execution, _ = begun(step("a", "brief"))
    assert not is_stable_refusal(execution, Failed(step="a", retryable=False))
    assert not is_stable_refusal(execution, Refused(step="a"))


def test_a_lost_first_attempt_may_have_begun_everything_brief_from_the_start() -> None:
    execution, _ = begun(step("a"), step("b"), step("c", "durable"), step("d"))
    fresh = Execution.begin(execution.plan, "s:1")
    assert maybe_begun(fresh, execution, TRIGGER) == ("b",), "a has begun in this attempt too"


def test_effects_in_flight_are_taken_to_have_succeeded() -> None:
    execution, _ = begun(step("d", "durable"), step("a"), step("b"), wait("w"), step("c"))
    assert maybe_begun(execution, execution, TRIGGER) == ("a", "b")


def test_an_event_that_came_meanwhile_is_passed() -> None:
    execution, _ = begun(step("a"), wait("w"), step("c"))
    recorded = execution.copy()
    execution.receive(Arrived(NEWS))
    assert maybe_begun(recorded, execution, TRIGGER) == ("c",)


def test_what_is_asked_for_and_not_yet_performed_may_have_been_begun_by_the_lost_attempt() -> None:
    execution, _ = begun(step("d", "durable"), step("a"), step("b"))
    recorded = execution.copy()
    execution.receive(Succeeded(step="d"))
    assert maybe_begun(recorded, execution, TRIGGER) == ("b",)
    assert maybe_begun(recorded, execution, TRIGGER, frozenset({"a"})) == ("a", "b")
    assert maybe_begun(execution, execution, TRIGGER, frozenset({"a"})) == ("a", "b")


def test_a_durable_step_that_was_asked_for_was_begun_by_nobody_before_that_was_recorded() -> None:
    execution, _ = begun(step("d", "durable"), step("a"))
    assert maybe_begun(execution, execution, TRIGGER, frozenset({"d"})) == ("a",)


def test_serial_undos_ride_one_after_the_other() -> None:
    engine = Engine(parallel(kit_step("x"), kit_step("y")), kit_step("z"), unwind="serial")
    engine.ok("x")
    engine.ok("y")
    engine.refuse("z")
    ready = performs(engine.effects)
    assert names(lookahead(engine.execution, ready)) == [("y", "undo", ()), ("x", "undo", ("y",))]


def test_what_has_turned_back_already_is_not_turned_back_again() -> None:
    engine = Engine(kit_step("a"))
    engine.operate(CancelRequested)
    assert abort_after(engine.execution, CANCEL) is None


def test_a_lost_attempt_may_have_begun_what_was_to_be_tried_again_and_what_came_behind_a_sleep() -> None:
    engine = Engine(parallel(sequence(kit_step("a"), kit_step("b")), sequence(sleep("z"), kit_step("c"))))
    engine.fail("a")
    assert set(maybe_begun(engine.execution, engine.execution, TRIGGER)) == {"a", "b", "c"}


def test_a_wait_behind_what_was_in_flight_is_passed_since_its_event_may_lie_unread() -> None:
    engine = Engine(kit_step("a"), wait("w"), kit_step("c"))
    assert maybe_begun(engine.execution, engine.execution, TRIGGER) == ("c",)


def test_a_wait_further_on_is_passed_once_its_event_has_come() -> None:
    engine = Engine(kit_step("d", "durable"), kit_step("a"), wait("w"), kit_step("c"))
    assert maybe_begun(engine.execution, engine.execution, TRIGGER) == ("a",)
    recorded = engine.execution.copy()
    engine.arrive("n")
    assert maybe_begun(recorded, engine.execution, TRIGGER) == ("a", "c")


def test_a_run_has_a_limit() -> None:
    engine = Engine(*[kit_step(f"s{number}") for number in range(60)])
    assert len(lookahead(engine.execution, performs(engine.effects))) == MAX_RUN == 50


def test_one_open_step_beside_one_that_is_over_leaves_something_open() -> None:
    engine = Engine(parallel(kit_step("a"), kit_step("b")))
    engine.ok("a")
    assert not leaves_nothing_open(engine.execution)
    engine.ok("b")
    assert leaves_nothing_open(engine.execution)


def test_a_probe_leaves_its_step_open() -> None:
    engine = Engine(kit_step("a", probe=True))
    engine.fail("a", retryable=False)
    assert not leaves_nothing_open(engine.execution)


def test_what_turns_back_unlike_a_lost_attempt_is_told_from_what_does_not() -> None:
    execution, _ = begun(step("a"), step("b"))
    assert changes_the_way(execution, CANCEL)
    assert changes_the_way(execution, Failed(step="a", retryable=False))
    assert not changes_the_way(execution, Refused(step="a")), "the participant keeps it"
    assert not changes_the_way(execution, Failed(step="a")), "it is tried again"
    assert not changes_the_way(execution, Succeeded(step="a"))


def test_a_release_takes_away_what_a_lost_attempt_may_have_gone_on_with() -> None:
    execution, _ = begun(step("a"))
    release = ReleaseRequested(command_id="c", actor="me", reason="because", event_type=None)
    assert changes_the_way(execution, release)
