"""What the outcome of an attempt means for its step."""

import pytest

from orchestrator.engine.effects import CancelAttempt, ClearTimer, SetTimer
from orchestrator.engine.signals import (
    AbandonRequested,
    CancelRequested,
    CompensateRequested,
    Elapsed,
    Failed,
    Lost,
    Refused,
    RetryRequested,
    SkipRequested,
    Stalled,
    Succeeded,
    SuspendRequested,
    Withdrawn,
)
from orchestrator.engine.states import Phase
from orchestrator.errors import IllegalSignalError
from tests.engine_kit import ONCE, Engine, call, parallel, pivot, retriable, step

# -- ok ------------------------------------------------------------------------------------------------------------


def test_a_success_gives_its_fact_and_lets_the_flow_go_on() -> None:
    engine = Engine(step("a"), step("b"))
    assert engine.ok("a", result=7) == ["do b 1"]
    assert engine.state.facts["a_made"] == 7
    assert engine.outcome("a") == "ok"


def test_a_success_of_a_step_that_gives_nothing_makes_no_fact() -> None:
    plain = step("a")
    engine = Engine(plain.model_copy(update={"do": plain.do.model_copy(update={"gives": None})}))
    engine.ok("a", result=7)
    assert set(engine.state.facts) == {"start"}


def test_a_second_success_is_ignored() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a", result=1)
    assert engine.ok("a", result=2) == []
    assert engine.ignored == "late: the step has its outcome already"
    assert engine.state.facts["a_made"] == 1


def test_a_success_counts_whatever_attempt_it_names() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.tell(Elapsed("retry:do:1:a"))
    engine.ok("a", attempt=1)
    assert engine.word == "Completed"


def test_a_late_success_of_a_step_that_never_began_proves_a_lost_attempt_and_is_undone() -> None:
    engine = Engine(step("a"), step("b"), step("c"))
    engine.ok("a")
    engine.refuse("b")
    assert engine.ok("c") == ["undo c 1"], "the undo of a is under way; c is undone besides"
    assert engine.state.steps["c"].order == 3


def test_a_success_clears_the_error_of_the_attempt_before() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    assert engine.execution.step("a").error == "broke"
    engine.tell(Elapsed("retry:do:1:a"))
    engine.ok("a", attempt=2)
    assert engine.execution.step("a").error == ""


def test_an_answer_ends_the_limit_of_a_command() -> None:
    engine = Engine(step("a", "command"))
    assert engine.timers() == [("limit:do:1:a", 1_000)]
    engine.ok("a")
    assert ClearTimer("limit:do:1:a") in engine.effects


def test_only_commands_have_a_limit_of_ours() -> None:
    assert Engine(step("a", "durable")).timers() == []


def test_after_the_end_an_outcome_is_ignored() -> None:
    engine = Engine(step("a"), step("b"))
    engine.refuse("a")
    assert engine.word == "Aborted"
    engine.ok("b")
    assert engine.ignored == "it came after the end"
    assert engine.phase("b") is Phase.IDLE


# -- refused -------------------------------------------------------------------------------------------------------


def test_a_refusal_turns_back_and_undoes_what_was_done_but_not_what_was_refused() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    assert engine.refuse("b", code="sold-out") == ["undo a 1"]
    abort = engine.state.abort
    assert abort is not None
    assert (abort.reason, abort.step, abort.text, abort.code) == ("step", "b", "no", "sold-out")
    assert engine.execution.step("b").error == "no"
    engine.ok("a", "undo")
    assert (engine.word, engine.phase("b")) == ("Compensated", Phase.REFUSED)


def test_a_refusal_counts_whatever_attempt_it_names() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.tell(Elapsed("retry:do:1:a"))
    engine.refuse("a", attempt=1)
    assert engine.word == "Aborted"


def test_a_refusal_behind_the_pivot_parks_and_tells_people() -> None:
    engine = Engine(pivot("p"), retriable("r"))
    engine.ok("p")
    engine.refuse("r")
    assert engine.alerts() == [("parked", "r")]
    assert engine.word == "Parked"


def test_two_verdicts_of_a_parked_step_are_one_and_the_first_counts() -> None:
    engine = Engine(pivot("p"), retriable("r"))
    engine.ok("p")
    engine.refuse("r")
    engine.refuse("r")
    assert engine.ignored.startswith("late")
    engine.ok("r")
    assert engine.ignored.startswith("late")


def test_a_late_refusal_of_a_parked_step_in_doubt_settles_what_it_did() -> None:
    engine = Engine(pivot("p"), retriable("r", retry=ONCE))
    engine.ok("p")
    engine.fail("r")
    key = engine.execution.key("r", "do")
    engine.refuse("r")
    assert (engine.ignored, engine.alerts(), engine.word) == ("", [], "Parked")
    engine.operate(RetryRequested, step="r")
    assert engine.execution.key("r", "do") != key, "that key is refused for ever"


def test_a_late_refusal_of_a_parked_pivot_turns_back_after_all() -> None:
    engine = Engine(step("a"), pivot("p", retry=ONCE))
    engine.ok("a")
    engine.fail("p")
    assert engine.word == "Parked"
    assert engine.refuse("p") == ["undo a 1"]


def test_behind_the_pivot_a_refusal_during_an_undo_by_hand_is_final() -> None:
    engine = Engine(pivot("p"), retriable("r"))
    engine.ok("p")
    engine.operate(CompensateRequested, override=True)
    engine.refuse("r")
    assert (engine.phase("r"), engine.alerts()) == (Phase.REFUSED, [])


def test_a_refusal_that_cancels_siblings_asks_those_in_flight_to_stop() -> None:
    engine = Engine(parallel(step("x"), step("y", "durable"), step("z"), on_sibling_failure="cancel"))
    engine.ok("z")
    engine.refuse("x")
    assert engine.effects == (CancelAttempt("y", "do", 1),)


def test_a_refusal_drains_siblings_unless_told_otherwise() -> None:
    engine = Engine(parallel(step("x"), step("y", "durable")))
    engine.refuse("x")
    assert engine.effects == ()
    assert engine.ok("y") == ["undo y 1"], "a late success is undone too"


# -- failed --------------------------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_after_the_policys_pause() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    assert engine.timers() == [("retry:do:1:a", 10)]
    assert engine.tell(Elapsed("retry:do:1:a")) == ["do a 2"]


def test_the_last_failure_leaves_the_outcome_in_doubt_and_is_undone() -> None:
    engine = Engine(step("a", retry=ONCE))
    assert engine.fail("a") == ["undo a 1"]
    assert engine.state.abort is not None
    assert (engine.state.abort.reason, engine.state.abort.code) == ("error", "unknown")


def test_a_time_out_is_final_for_a_step_that_can_be_undone() -> None:
    assert Engine(step("a")).fail("a", retryable=False) == ["undo a 1"]


@pytest.mark.parametrize("kind", [pivot, retriable])
def test_at_and_after_the_pivot_a_time_out_is_tried_again(kind) -> None:
    engine = Engine(kind("a"))
    engine.fail("a", retryable=False)
    assert engine.timers() == [("retry:do:1:a", 10)]


def test_at_and_after_the_pivot_the_last_failure_parks() -> None:
    engine = Engine(pivot("p", retry=ONCE))
    engine.fail("p")
    assert engine.alerts() == [("parked", "p")]
    assert engine.outcome("p") == "unknown"


def test_after_the_abort_a_failure_is_not_tried_again() -> None:
    engine = Engine(parallel(step("x"), step("y")))
    engine.refuse("x")
    assert engine.fail("y") == ["undo y 1"]


def test_a_failure_of_an_older_attempt_is_fenced() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.tell(Elapsed("retry:do:1:a"))
    engine.fail("a", attempt=1)
    assert engine.ignored == "of an older attempt"
    assert engine.phase("a") is Phase.DOING


def test_a_failure_told_twice_counts_once() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.fail("a")
    assert engine.ignored.startswith("late")


@pytest.mark.parametrize("retry", [ONCE, step("x").retry])
def test_an_undo_waits_until_no_slow_worker_can_perform_the_attempt_any_more(retry) -> None:
    engine = Engine(step("a", retry=retry))
    engine.fail("a", fence_ms=7)
    assert ("fence:undo:1:a", 7) in engine.timers()
    engine.operate(CancelRequested)
    assert engine.performs() == []
    assert engine.tell(Elapsed("fence:undo:1:a")) == ["undo a 1"]


# -- probes --------------------------------------------------------------------------------------------------------


def probing(**more):
    """The pivot's only attempt failed, and a probe looks what it did."""
    engine = Engine(step("a"), pivot("p", probe=True, retry=ONCE), **more)
    engine.ok("a")
    assert engine.fail("p") == ["probe p 1"]
    return engine


def test_a_probe_turns_doubt_into_ok() -> None:
    engine = probing()
    engine.ok("p", "probe", result=3)
    assert engine.word == "Completed"
    assert engine.state.facts["p_made"] == 3


def test_a_probe_turns_doubt_into_refused() -> None:
    assert probing().refuse("p", "probe") == ["undo a 1"]


def test_a_probe_that_fails_leaves_the_doubt() -> None:
    engine = probing()
    engine.fail("p", "probe")
    assert engine.alerts() == [("parked", "p")]
    assert engine.word == "Parked"


def test_a_probe_told_twice_counts_once_and_an_older_one_not_at_all() -> None:
    engine = probing()
    engine.fail("p", "probe")
    engine.fail("p", "probe")
    assert engine.ignored.startswith("late")
    engine.operate(RetryRequested, step="p")
    engine.refuse("p", "probe", 1)
    assert engine.ignored == "of an older attempt", "the second attempt may have had its effect since"
    engine.fail("p", attempt=2)
    engine.fail("p", "probe", 1)
    assert engine.ignored == "of an older attempt"
    assert engine.phase("p") is Phase.PROBING


def test_a_probe_without_code_parks() -> None:
    engine = probing()
    engine.tell(Stalled(step="p", direction="probe"))
    assert engine.alerts() == [("parked", "p")]
    assert engine.outcome("p") == "unknown"


# -- undos ---------------------------------------------------------------------------------------------------------


def undoing(**more):
    engine = Engine(step("a", **more), step("b"))
    engine.ok("a")
    assert engine.refuse("b") == ["undo a 1"]
    return engine


def test_an_undo_is_tried_again_by_its_own_policy_then_stuck_with_an_alert() -> None:
    engine = undoing()
    engine.fail("a", "undo")
    assert engine.timers() == [("retry:undo:1:a", 10)]
    assert engine.execution.step("a").undo_error == "broke"
    assert engine.tell(Elapsed("retry:undo:1:a")) == ["undo a 2"]
    engine.fail("a", "undo", 2)
    assert engine.alerts() == [("stuck", "a")]
    assert (engine.word, engine.execution.undo) == ("Stuck", "stuck")


def test_an_undo_that_is_refused_is_stuck_at_once() -> None:
    engine = undoing()
    engine.refuse("a", "undo")
    assert engine.alerts() == [("stuck", "a")]
    assert engine.execution.step("a").undo_error == "no"


def test_a_late_success_of_a_stuck_undo_settles_it() -> None:
    engine = undoing(undo_retry=ONCE)
    engine.fail("a", "undo")
    engine.ok("a", "undo")
    assert (engine.word, engine.execution.step("a").undo_error) == ("Compensated", "")


def test_answers_of_older_undos_and_second_ones_are_ignored() -> None:
    engine = undoing()
    engine.fail("a", "undo")
    for tell in (engine.fail, engine.refuse):
        tell("a", "undo")
        assert engine.ignored.startswith("late")
    engine.tell(Elapsed("retry:undo:1:a"))
    for tell in (engine.fail, engine.refuse):
        tell("a", "undo", 1)
        assert engine.ignored == "of an older attempt"
    engine.tell(Stalled(step="a", direction="undo", attempt=1))
    assert engine.ignored == "of an older attempt"
    engine.ok("a", "undo", 2)
    engine.tell(Succeeded(step="a", direction="undo", attempt=2))
    assert engine.ignored == "it came after the end"


def test_an_undo_told_twice_counts_once() -> None:
    engine = Engine(step("a"), step("b"), step("c"))
    engine.ok("a")
    engine.ok("b")
    engine.refuse("c")
    engine.ok("b", "undo")
    engine.ok("b", "undo")
    assert engine.ignored.startswith("late")


def test_an_undo_without_code_is_stuck() -> None:
    engine = undoing()
    engine.tell(Stalled(step="a", direction="undo", reason="nobody has it"))
    assert engine.alerts() == [("stuck", "a")]


# -- stalled, withdrawn, lost --------------------------------------------------------------------------------------


def test_a_missing_handler_parks_and_never_fails_the_saga() -> None:
    engine = Engine(step("a"))
    engine.tell(Stalled(step="a", reason="nobody has it"))
    assert (engine.alerts(), engine.word, engine.outcome("a")) == ([("parked", "a")], "Parked", "none")
    engine.operate(CancelRequested)
    assert engine.word == "Aborted", "it was never begun: nothing is undone"


def test_a_missing_handler_of_a_later_attempt_leaves_the_first_in_doubt() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.tell(Elapsed("retry:do:1:a"))
    engine.tell(Stalled(step="a", attempt=2))
    assert engine.operate(CancelRequested) == ["undo a 1"]


def test_after_the_abort_a_missing_handler_drops_the_step_or_leaves_it_in_doubt() -> None:
    engine = Engine(parallel(step("x"), step("y"), step("z")))
    engine.fail("y")
    engine.tell(Elapsed("retry:do:1:y"))
    engine.refuse("x")
    engine.tell(Stalled(step="z"))
    assert engine.phase("z") is Phase.DROPPED
    assert engine.tell(Stalled(step="y", attempt=2)) == ["undo y 1"]


@pytest.mark.parametrize("signal", [Stalled(step="a", attempt=2), Stalled(step="a", direction="probe")])
def test_a_stall_of_what_is_not_under_way_is_ignored(signal) -> None:
    engine = Engine(step("a", probe=True))
    engine.tell(signal)
    assert engine.ignored.startswith("late")


def test_what_was_withdrawn_was_never_begun() -> None:
    engine = Engine(step("a"))
    engine.operate(CancelRequested)
    engine.tell(Withdrawn(step="a"))
    assert (engine.word, engine.phase("a"), engine.state.steps["a"].order) == ("Aborted", Phase.DROPPED, 0)


def test_the_withdrawal_of_a_later_attempt_leaves_the_first_in_doubt() -> None:
    engine = Engine(step("a"))
    engine.fail("a")
    engine.tell(Elapsed("retry:do:1:a"))
    engine.operate(CancelRequested)
    assert engine.tell(Withdrawn(step="a", attempt=2)) == ["undo a 1"]


def test_a_withdrawn_probe_leaves_the_doubt() -> None:
    engine = Engine(step("a", retry=ONCE, probe=True))
    engine.fail("a")
    engine.operate(CancelRequested)
    assert engine.tell(Withdrawn(step="a", direction="probe")) == ["undo a 1"]


def test_nothing_is_withdrawn_before_the_abort() -> None:
    engine = Engine(step("a"))
    engine.tell(Withdrawn(step="a"))
    assert engine.ignored.startswith("late")


def test_what_a_lost_attempt_may_have_begun_is_undone_after_its_fence() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.tell(Lost(("a", "b"), fence_ms=5))
    assert (engine.phase("a"), engine.phase("b"), engine.timers()) == (Phase.DONE, Phase.DOING, [])
    engine.operate(CancelRequested)
    engine.ok("b")
    assert engine.word == "Compensating"


def test_a_lost_step_counts_as_an_attempt_that_the_policy_does_not_count() -> None:
    engine = Engine(step("a"), step("b", retry=ONCE))
    engine.tell(Lost(("b",), fence_ms=5))
    assert engine.timers() == [("fence:undo:1:b", 5)]
    state = engine.state.steps["b"]
    assert (state.phase, state.outcome, state.attempt, state.granted, state.order) == (
        Phase.DOUBTFUL, "unknown", 1, 1, 2,
    )  # fmt: skip
    assert engine.ok("a") == ["do b 2"], "the abort that asked was refused: it is tried with the same key"
    assert engine.fail("b", attempt=2) == []
    assert engine.tell(Elapsed("fence:undo:1:b")) == ["undo b 1"]


def test_a_lost_attempt_may_have_made_a_try_that_was_granted_and_not_yet_begun() -> None:
    engine = Engine(step("a"))
    engine.tell(Stalled(step="a"))
    engine.operate(SuspendRequested)
    engine.operate(RetryRequested, step="a")
    engine.tell(Lost(("a",), fence_ms=5))
    engine.operate(CancelRequested)
    assert engine.word == "Compensating"
    assert engine.tell(Elapsed("fence:undo:1:a")) == ["undo a 1"]


def test_a_second_fence_of_an_attempt_counts_from_now() -> None:
    engine = Engine(step("a"))
    engine.fail("a", fence_ms=5)
    engine.tell(Lost(("a",), fence_ms=9))
    assert engine.effects == (ClearTimer("fence:undo:1:a"), SetTimer("fence:undo:1:a", 9))


def test_a_step_that_the_plan_does_not_have_cannot_be_lost_or_withdrawn() -> None:
    for signal in (Lost(("nowhere",)), Withdrawn(step="nowhere")):
        with pytest.raises(IllegalSignalError, match="nowhere is no step of this plan"):
            Engine(step("a")).tell(signal)


# -- small print ---------------------------------------------------------------------------------------------------


def test_a_refusal_ends_the_limit_of_its_command() -> None:
    engine = Engine(step("a"), step("b", "command"))
    engine.ok("a")
    engine.refuse("b")
    assert engine.state.timers == []


@pytest.mark.parametrize("kind", [Succeeded, Refused, Failed, Stalled], ids=lambda kind: kind.__name__)
def test_an_outcome_that_names_no_attempt_speaks_of_the_first(kind) -> None:
    engine = Engine(step("a"))
    signal = kind(step="a")
    assert signal.attempt == 1
    engine.tell(signal)
    assert not engine.ignored
    assert engine.phase("a") is not Phase.DOING


def test_a_withdrawal_that_names_no_attempt_speaks_of_the_first() -> None:
    engine = Engine(step("a"))
    engine.operate(CancelRequested)
    engine.tell(Withdrawn(step="a"))
    assert engine.word == "Aborted"


def test_a_late_success_of_a_dropped_step_is_undone() -> None:
    engine = Engine(step("b"), parallel(step("a"), step("c")))
    engine.ok("b")
    engine.tell(Stalled(step="a", reason="no code"))
    engine.operate(CancelRequested)
    assert engine.phase("a") is Phase.DROPPED
    engine.ok("a")
    assert (engine.phase("a"), engine.ok("c")) == (Phase.DONE, ["undo a 1", "undo c 1"])


def test_what_was_refused_or_left_takes_no_outcome_any_more() -> None:
    engine = Engine(parallel(step("a"), step("c")), step("b"))
    engine.ok("a")
    engine.ok("c")
    engine.refuse("b")
    engine.refuse("a", "undo")
    engine.operate(SkipRequested, step="a", result=None)
    for again in (lambda: engine.ok("a", "undo"), lambda: engine.ok("a"), lambda: engine.ok("b")):
        assert again() == []
        assert engine.ignored.startswith("late")
    assert (engine.phase("a"), engine.phase("b")) == (Phase.LEFT, Phase.REFUSED)


def test_a_late_success_of_a_step_in_doubt_is_known() -> None:
    engine = Engine(parallel(step("a", retry=ONCE), step("b")))
    engine.fail("a")
    engine.ok("a", result=3)
    assert (engine.phase("a"), engine.outcome("a"), engine.state.facts["a_made"]) == (Phase.DONE, "ok", 3)


def test_a_late_success_of_an_undo_that_rests_is_its_end() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.refuse("b")
    engine.fail("a", "undo")
    engine.ok("a", "undo")
    assert (engine.phase("a"), engine.word) == (Phase.UNDONE, "Compensated")


def test_what_waits_behind_a_fence_or_rests_can_be_abandoned_and_rests_no_more() -> None:
    engine = Engine(parallel(step("a"), step("c"), step("d"), step("b", retry=ONCE)))
    for name in "acd":
        engine.ok(name)
    engine.fail("b", fence_ms=5)
    engine.fail("a", "undo")
    engine.refuse("c", "undo")
    engine.operate(AbandonRequested)
    assert {engine.phase(name) for name in "abc"} == {Phase.LEFT}
    assert engine.phase("d") is Phase.UNDOING
    assert engine.state.timers == ["fence:undo:1:b"]


def test_a_dropped_step_that_a_lost_attempt_may_have_begun_is_in_doubt() -> None:
    engine = Engine(parallel(step("a"), step("c")))
    engine.tell(Stalled(step="a", reason="no code"))
    engine.operate(CancelRequested)
    engine.tell(Lost(("a",)))
    assert engine.phase("a") is Phase.DOUBTFUL


def test_no_undo_begins_while_a_probe_is_out() -> None:
    engine = Engine(parallel(step("x"), step("a", retry=ONCE, probe=True), step("b")))
    engine.ok("x")
    assert engine.fail("a") == ["probe a 1"]
    assert engine.refuse("b") == []
    assert engine.refuse("a", "probe") == ["undo x 1"]


def test_a_failure_ends_the_limit_of_its_command_either_way() -> None:
    engine = Engine(step("a", "command"), step("b", "command"))
    engine.ok("a")
    engine.fail("b")
    assert engine.state.timers == ["retry:do:1:b"]
    engine.refuse("b")
    engine.fail("a", "undo")
    assert engine.state.timers == ["retry:undo:1:a"]


def test_a_probe_that_finds_nothing_out_ends_its_limit() -> None:
    probed = step("a", "command", retry=ONCE).model_copy(update={"probe": call("probe_a", "command")})
    engine = Engine(parallel(probed, step("b")))
    engine.fail("a")
    assert engine.state.timers == ["limit:probe:1:a"]
    engine.fail("a", "probe")
    assert engine.state.timers == []


def test_a_withdrawal_ends_the_limit_of_its_command() -> None:
    engine = Engine(parallel(step("a", "command"), step("b")))
    engine.operate(CancelRequested)
    engine.tell(Withdrawn(step="a"))
    assert engine.state.timers == []


def test_a_fence_of_no_length_is_none() -> None:
    engine = Engine(step("a", retry=ONCE))
    assert engine.fail("a", fence_ms=0) == ["undo a 1"]


def test_a_fence_of_a_moment_holds_the_undo_back() -> None:
    engine = Engine(step("a", retry=ONCE))
    assert engine.fail("a", fence_ms=1) == []


def test_a_fence_holds_back_its_own_step_only() -> None:
    engine = Engine(parallel(step("a"), step("b", "command")))
    engine.ok("a")
    assert engine.fail("b", retryable=False, fence_ms=5) == ["undo a 1"]


def test_a_granted_undo_begins_with_the_shortest_pause() -> None:
    engine = Engine(step("a"), step("b"))
    engine.ok("a")
    engine.refuse("b")
    engine.refuse("a", "undo")
    engine.operate(RetryRequested, step="a")
    engine.fail("a", "undo", attempt=2)
    assert engine.timers() == [("retry:undo:2:a", 10)]
