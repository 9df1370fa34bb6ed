"""What a person may do, when, and what it changes."""

import pytest

from orchestrator.engine.signals import (
    AbandonRequested,
    CancelRequested,
    CompensateRequested,
    Elapsed,
    MarkDoneRequested,
    ReleaseRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    Stalled,
    SuspendRequested,
)
from orchestrator.engine.states import Phase
from tests.engine_kit import ONCE, Engine, parallel, pivot, retriable, sequence, step, wait


def stuck(*children):
    """The last of `children` was refused, and the undo of the one before it gave up."""
    engine = Engine(*children)
    *done, last = [child.id for child in children]
    for name in done:
        engine.ok(name)
    engine.refuse(last)
    engine.refuse(done[-1], "undo")
    assert engine.word == "Stuck"
    return engine


def parked_behind_pivot(**more):
    """A retriable step behind the pivot was refused."""
    engine = Engine(step("a"), pivot("p"), retriable("r", **more))
    engine.ok("a")
    engine.ok("p")
    engine.refuse("r")
    assert engine.word == "Parked"
    return engine


# -- every command -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [{"actor": ""}, {"reason": " "}])
def test_a_command_without_actor_or_reason_is_refused(missing) -> None:
    engine = Engine(step("a"))
    engine.operate(CancelRequested, **missing)
    assert engine.ignored == "refused: it needs an actor and a reason"
    assert engine.word == "Running"


def test_a_command_given_twice_is_carried_out_once() -> None:
    engine = stuck(step("a"), step("b"))
    assert engine.operate(RetryRequested, command_id="one", step="a") == ["undo a 2"]
    engine.refuse("a", "undo", 2)
    assert engine.operate(RetryRequested, command_id="one", step="a") == []
    assert engine.ignored == "duplicate of a command already taken"


# -- cancel --------------------------------------------------------------------------------------------------------


def test_two_cancels_are_one() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.operate(CancelRequested)
    engine.operate(SuspendRequested)
    engine.ok("b")
    assert engine.operate(CancelRequested) == [], "the second does not resume what was suspended since"
    assert engine.word == "Suspended"


def test_a_cancel_waits_for_an_open_pivot_and_is_refused_aloud_when_it_succeeds() -> None:
    engine = Engine(pivot("p"))
    engine.operate(CancelRequested)
    assert engine.word == "Running"
    engine.ok("p")
    assert engine.alerts() == [("cancel_refused", "")]
    assert engine.word == "Completed"


def test_a_cancel_that_waits_for_the_pivot_is_given_once() -> None:
    engine = Engine(pivot("p"))
    engine.operate(CancelRequested, actor="first")
    engine.operate(SuspendRequested)
    engine.operate(CancelRequested, actor="second")
    assert engine.state.suspended
    assert engine.state.waiting_abort is not None
    assert engine.state.waiting_abort.actor == "first"


def test_a_cancel_turns_back_when_the_pivot_was_refused() -> None:
    engine = Engine(step("a"), pivot("p"))
    engine.ok("a")
    engine.operate(CancelRequested)
    assert engine.refuse("p") == ["undo a 1"]


def test_a_cancel_finds_a_parked_pivot_that_was_never_begun_and_turns_back() -> None:
    engine = Engine(step("a"), pivot("p"))
    engine.ok("a")
    engine.tell(Stalled(step="p"))
    engine.operate(SuspendRequested)
    assert engine.operate(RetryRequested, step="p") == []
    assert engine.operate(CancelRequested) == ["undo a 1"]


def test_after_the_end_a_cancel_is_refused() -> None:
    engine = Engine(step("a"))
    engine.ok("a")
    engine.operate(CancelRequested)
    assert engine.ignored == "refused: the execution has ended"


def test_what_has_turned_back_and_ended_cannot_be_cancelled_nor_what_was_completed_and_is_undone() -> None:
    engine = Engine(step("a"))
    engine.refuse("a")
    engine.operate(CancelRequested)
    assert engine.ignored == "refused: the execution has ended"
    engine = Engine(step("a"))
    engine.ok("a")
    engine.operate(CompensateRequested)
    engine.operate(CancelRequested)
    assert engine.ignored == "refused: the execution has ended"


def test_behind_the_pivot_a_cancel_is_refused() -> None:
    engine = parked_behind_pivot()
    engine.operate(CancelRequested)
    assert engine.ignored.startswith("refused: the point of no return is behind it")


# -- retry ---------------------------------------------------------------------------------------------------------


def test_a_retry_of_a_stuck_undo_waits_for_what_came_to_depend_on_it_since() -> None:
    engine = Engine(step("a"), step("b"), step("c"))
    engine.ok("a")
    engine.refuse("b")
    engine.refuse("a", "undo")
    assert engine.ok("c") == ["undo c 1"], "a late success proves that a lost attempt had begun c"
    assert engine.operate(RetryRequested, step="a") == []
    assert engine.ok("c", "undo") == ["undo a 2"]


def test_a_retry_while_suspended_begins_after_the_resumption() -> None:
    engine = stuck(step("a"), step("b"))
    engine.operate(SuspendRequested)
    assert engine.operate(RetryRequested, step="a") == []
    assert engine.operate(ResumeRequested) == ["undo a 2"]


def test_a_retry_after_a_refusal_goes_under_a_new_key_and_heeds_no_answer_to_the_old_one() -> None:
    engine = parked_behind_pivot()
    old = engine.execution.key("r", "do")
    assert engine.operate(RetryRequested, step="r", edited={"start": {"id": "2"}}) == ["do r 2"]
    assert engine.execution.key("r", "do") != old
    engine.refuse("r", attempt=1)
    assert engine.ignored.startswith("of an older key")
    engine.ok("r", attempt=1)
    assert engine.ignored.startswith("of an older key")
    assert engine.execution.facts_for("r", step("x").do.model_copy(update={"needs": ()})) == {}
    engine.ok("r", attempt=2)
    assert engine.word == "Completed"


def test_a_retry_of_a_step_in_doubt_keeps_its_key() -> None:
    engine = Engine(pivot("p", retry=ONCE))
    key = engine.execution.key("p", "do")
    engine.fail("p")
    assert engine.operate(RetryRequested, step="p") == ["do p 2"]
    assert engine.execution.key("p", "do") == key


def test_a_granted_set_of_attempts_begins_with_the_shortest_pause() -> None:
    engine = Engine(pivot("p"))
    engine.fail("p")
    engine.tell(Elapsed("retry:do:1:p"))
    engine.fail("p", attempt=2)
    engine.operate(RetryRequested, step="p")
    engine.fail("p", attempt=3)
    assert engine.timers() == [("retry:do:3:p", 10)]


def test_only_what_waits_for_a_person_can_be_retried() -> None:
    engine = Engine(step("a"))
    for kind in (RetryRequested, SkipRequested):
        engine.operate(kind, step="a")
        assert "there is nothing to decide" in engine.ignored


# -- mark done, skip, abandon --------------------------------------------------------------------------------------


def test_a_stuck_undo_marked_done_lets_the_rest_go_on() -> None:
    engine = stuck(step("a"), step("b"), step("c"))
    assert engine.operate(MarkDoneRequested, step="b", evidence="I called them") == ["undo a 1"]
    assert engine.execution.step("b").undo_error == "done by hand: I called them"
    engine.ok("a", "undo")
    assert engine.word == "Compensated"


def test_only_a_stuck_undo_can_be_marked_done() -> None:
    engine = parked_behind_pivot()
    engine.operate(MarkDoneRequested, step="r", evidence="I saw it")
    assert engine.ignored == "refused: only a stuck undo can be marked done"


def test_a_skipped_undo_makes_the_compensation_partial() -> None:
    engine = stuck(step("a"), step("b"), step("c"))
    assert engine.operate(SkipRequested, step="b") == ["undo a 1"]
    engine.ok("a", "undo")
    assert engine.word == "Partially compensated"


def test_a_skipped_step_gives_the_result_that_the_person_gave() -> None:
    engine = parked_behind_pivot()
    engine.operate(SkipRequested, step="r", result="by hand")
    assert engine.state.facts["r_made"] == "by hand"
    assert engine.word == "Completed"


def test_a_skipped_step_that_gives_nothing_makes_no_fact() -> None:
    plain = retriable("r")
    engine = Engine(pivot("p"), plain.model_copy(update={"do": plain.do.model_copy(update={"gives": None})}))
    engine.ok("p")
    engine.refuse("r")
    engine.operate(SkipRequested, step="r", result="by hand")
    assert set(engine.state.facts) == {"start", "p_made"}
    assert engine.word == "Completed"


def test_a_step_that_was_skipped_before_it_began_is_never_undone() -> None:
    engine = Engine(step("a"), step("b"), step("c"))
    engine.ok("a")
    engine.tell(Stalled(step="b"))
    assert engine.operate(SkipRequested, step="b") == ["do c 1"]
    assert engine.refuse("c") == ["undo a 1"]


def test_a_step_that_was_skipped_in_doubt_is_undone_later() -> None:
    engine = Engine(step("a"), step("b"))
    engine.fail("a")
    engine.tell(Elapsed("retry:do:1:a"))
    engine.tell(Stalled(step="a", attempt=2))
    assert engine.operate(SkipRequested, step="a") == ["do b 1"]
    assert engine.refuse("b") == ["undo a 1"]


def test_abandoning_leaves_what_is_open_and_awaits_what_is_under_way() -> None:
    engine = Engine(step("a"), parallel(step("x"), step("y")), step("z"))
    for name in "axy":
        engine.ok(name)
    engine.refuse("z")
    engine.refuse("x", "undo")
    engine.operate(AbandonRequested)
    assert (engine.phase("x"), engine.phase("y"), engine.phase("a")) == (Phase.LEFT, Phase.UNDOING, Phase.LEFT)
    engine.fail("y", "undo")
    assert engine.phase("y") is Phase.LEFT, "no further attempt is made"
    assert engine.word == "Partially compensated"


def test_there_must_be_something_to_abandon() -> None:
    engine = Engine(step("a"))
    engine.operate(AbandonRequested)
    assert engine.ignored == "refused: nothing is being undone"


# -- suspend and resume --------------------------------------------------------------------------------------------


def test_while_suspended_nothing_begins_and_what_is_in_flight_is_awaited() -> None:
    engine = Engine(step("a"), step("b"))
    engine.operate(SuspendRequested)
    assert engine.ok("a") == []
    assert engine.word == "Suspended"
    assert engine.operate(ResumeRequested) == ["do b 1"]


def test_while_suspended_no_undo_begins() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.operate(SuspendRequested)
    assert engine.refuse("b") == []
    assert engine.operate(ResumeRequested) == ["undo a 1"]


def test_resuming_tries_again_whatever_is_parked() -> None:
    engine = parked_behind_pivot()
    assert engine.operate(ResumeRequested) == ["do r 2"]


def test_suspending_twice_resuming_nothing_and_suspending_what_has_ended_are_refused() -> None:
    engine = Engine(step("a"))
    engine.operate(ResumeRequested)
    assert engine.ignored == "refused: nothing is suspended, parked or stuck"
    engine.operate(SuspendRequested)
    engine.operate(SuspendRequested)
    assert engine.ignored == "refused: it is suspended already"
    engine.operate(ResumeRequested)
    engine.ok("a")
    engine.operate(SuspendRequested)
    assert engine.ignored == "refused: the execution has ended"


# -- release -------------------------------------------------------------------------------------------------------


def test_held_events_are_released_by_type() -> None:
    engine = Engine(step("a"), wait("w"), wait("v", event="other"))
    engine.arrive("n1")
    engine.arrive("o1", body="o", kind="other")
    engine.operate(ReleaseRequested, event_type="other")
    assert engine.parked() == [("o1", "released")]
    engine.operate(ReleaseRequested, event_type="other")
    assert engine.ignored == "refused: no such events are held"
    engine.operate(ReleaseRequested)
    assert engine.parked() == [("n1", "released")]


# -- compensate ----------------------------------------------------------------------------------------------------


def test_a_completed_execution_is_undone_in_reverse() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.ok("b")
    assert engine.operate(CompensateRequested) == ["undo b 1"]
    assert engine.ok("b", "undo") == ["undo a 1"]
    engine.ok("a", "undo")
    assert engine.word == "Compensated"


def test_compensating_from_a_step_undoes_it_and_what_depends_on_it() -> None:
    engine = Engine(step("a"), step("b"), step("c"))
    for name in "abc":
        engine.ok(name)
    assert engine.operate(CompensateRequested, from_step="b") == ["undo c 1"]
    assert engine.ok("c", "undo") == ["undo b 1"]
    assert engine.ok("b", "undo") == []
    assert engine.word == "Partially compensated"
    assert engine.operate(CompensateRequested) == ["undo a 1"], "the rest can follow"
    engine.ok("a", "undo")
    assert engine.word == "Compensated"


def test_compensating_from_a_second_step_widens_what_is_undone() -> None:
    engine = Engine(parallel(sequence(step("a"), step("b")), step("x")))
    for name in "abx":
        engine.ok(name)
    assert engine.operate(CompensateRequested, from_step="b") == ["undo b 1"]
    assert engine.operate(CompensateRequested, from_step="x") == ["undo x 1"]
    assert engine.state.scope == ["b", "x"]
    engine.ok("b", "undo")
    engine.ok("x", "undo")
    assert engine.word == "Partially compensated"


def test_an_undo_of_everything_is_never_narrowed() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.operate(CancelRequested)
    engine.operate(CompensateRequested, from_step="b")
    assert engine.ok("b") == ["undo b 1"]
    assert engine.ok("b", "undo") == ["undo a 1"]


def test_compensating_from_a_step_asks_no_sibling_to_stop_since_nothing_failed() -> None:
    engine = Engine(parallel(step("x", "durable"), step("y", "durable"), on_sibling_failure="cancel"))
    engine.operate(CompensateRequested, from_step="x")
    assert engine.effects == ()


def test_undoing_past_the_pivot_needs_the_right_to() -> None:
    engine = parked_behind_pivot()
    engine.operate(CompensateRequested)
    assert engine.ignored.endswith("undoing it needs the override right")
    assert engine.operate(CompensateRequested, override=True) == ["undo a 1"]


def test_a_compensation_waits_for_an_open_pivot_and_needs_a_step_that_exists() -> None:
    engine = Engine(pivot("p"))
    engine.operate(CompensateRequested, override=True)
    assert engine.ignored == "refused: the pivot is under way: wait for its outcome"
    engine.operate(CompensateRequested, from_step="q")
    assert engine.ignored == "refused: there is no step 'q'"


def test_nothing_ends_while_a_slow_worker_may_perform_what_is_in_doubt_and_left_out() -> None:
    engine = Engine(parallel(step("a"), step("x")), step("b"))
    engine.ok("x")
    engine.operate(CompensateRequested, from_step="b")
    engine.fail("a", fence_ms=7)
    assert engine.word == "Compensating", "ended, it could be undone at once by a second command"
    assert engine.operate(CompensateRequested) == ["undo x 1"]
    assert engine.tell(Elapsed("fence:undo:1:a")) == ["undo a 1"]


def test_an_abandoned_execution_is_not_suspended_any_more() -> None:
    engine = Engine(parallel(step("a"), step("b")), step("c"))
    engine.ok("a")
    engine.ok("b")
    engine.refuse("c")
    engine.refuse("a", "undo")
    engine.operate(SuspendRequested)
    engine.operate(AbandonRequested)
    assert not engine.state.suspended


def test_what_a_person_edited_before_stays_edited() -> None:
    engine = Engine(pivot("p"), retriable("r", retry=ONCE))
    engine.ok("p")
    engine.fail("r")
    engine.operate(RetryRequested, step="r", edited={"street": "High Street"})
    engine.fail("r", attempt=2)
    engine.operate(RetryRequested, step="r", edited={"town": "Ely"})
    assert engine.execution.step("r").edited == {"street": "High Street", "town": "Ely"}


def test_each_refusal_that_a_retry_follows_makes_the_next_key() -> None:
    engine = Engine(pivot("p"), retriable("r"))
    engine.ok("p")
    first = engine.execution.key("r", "do")
    keys = []
    for attempt in (1, 2):
        engine.refuse("r", attempt=attempt)
        engine.operate(RetryRequested, step="r")
        keys.append(engine.execution.key("r", "do"))
    assert keys == [f"{first}.1", f"{first}.2"]
