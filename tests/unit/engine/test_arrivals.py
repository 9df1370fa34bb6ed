"""Events and timers: what comes from outside without being the outcome of an attempt."""

import pytest

from orchestrator.engine.signals import CancelRequested, Elapsed, ResumeRequested, Stalled, SuspendRequested
from orchestrator.engine.states import Phase
from tests.engine_kit import ONCE, TRIGGER, Engine, pivot, retriable, sleep, step, wait

# -- events --------------------------------------------------------------------------------------------------------


def test_an_early_event_is_held_until_its_wait_is_reached() -> None:
    engine = Engine(step("a"), wait("w"), step("b"))
    engine.arrive("early")
    assert [event.identity for event in engine.state.held] == ["early"]
    assert engine.ok("a") == ["do b 1"]
    assert (engine.state.facts["w_news"], engine.state.held) == ("early", [])


def test_an_event_ends_the_wait_for_it() -> None:
    engine = Engine(wait("w"), step("b"))
    assert engine.timers() == [("wait:do:0:w", 500)]
    assert engine.arrive("now") == ["do b 1"]
    assert engine.state.timers == []


def test_of_held_events_the_first_is_taken_or_the_lowest_declared() -> None:
    plain, ordered = Engine(step("a"), wait("w")), Engine(step("a"), wait("w", sequence=True))
    for engine in (plain, ordered):
        engine.arrive("first", sequence="2")
        engine.arrive("second", sequence="1")
        engine.ok("a")
    assert (plain.state.facts["w_news"], ordered.state.facts["w_news"]) == ("first", "second")


def test_a_wait_takes_its_own_type_only() -> None:
    engine = Engine(step("a"), wait("w"), wait("v", event="other"))
    engine.arrive("o", kind="other")
    engine.ok("a")
    assert engine.phase("w") is Phase.DOING


def test_a_copy_is_ignored_and_other_content_under_its_id_is_parked() -> None:
    engine = Engine(step("a"), wait("w"))
    engine.arrive("n")
    engine.arrive("n")
    assert engine.ignored == "duplicate of an event already taken"
    engine.arrive("n", body="other")
    assert engine.parked() == [("n", "same-id-other-content")]


def test_a_second_start_is_a_copy_or_goes_to_parking() -> None:
    engine = Engine(step("a"))
    engine.arrive("again", body=TRIGGER.body_hash, kind="started")
    assert engine.ignored == "duplicate of an event already taken"
    engine.arrive("other", body="other", kind="started")
    assert engine.parked() == [("other", "second-start")]
    engine.arrive("other once more", body="other", kind="started")
    assert engine.parked() == [("other once more", "second-start")]


def test_an_event_that_no_step_waits_for_goes_to_parking() -> None:
    engine = Engine(step("a"))
    engine.arrive("n")
    assert engine.parked() == [("n", "unwanted")]


@pytest.mark.parametrize(("wish", "found"), [("dead_letter", [("n", "ended")]), ("ignore", [])])
def test_an_event_after_the_end_goes_where_the_saga_says(wish, found) -> None:
    engine = Engine(wait("w"), on_completed=wish)
    engine.arrive("first")
    assert engine.word == "Completed"
    engine.arrive("n")
    assert engine.parked() == found
    assert engine.ignored == ("" if found else "came after the end")


def test_what_is_held_at_the_end_goes_to_parking() -> None:
    engine = Engine(wait("w"))
    engine.operate(SuspendRequested)
    engine.arrive("first")
    engine.arrive("second")
    engine.operate(ResumeRequested)
    assert engine.parked() == [("second", "held-at-end")]


# -- timers --------------------------------------------------------------------------------------------------------


def test_a_timer_that_is_not_set_has_no_effect() -> None:
    engine = Engine(step("a"))
    engine.tell(Elapsed("limit:do:1:a"))
    assert engine.ignored == "the timer is not set"


@pytest.mark.parametrize("direction", ["do", "undo", "probe"])
def test_no_reply_in_time_is_a_failure_of_that_call(direction) -> None:
    engine = Engine(step("a", "command", probe=True), step("b"))
    if direction == "undo":
        engine.ok("a")
        engine.refuse("b")
    elif direction == "probe":
        call = step("a", "command", probe=True).model_copy(update={"probe": step("x", "command").do})
        engine = Engine(call)
        engine.tell(Elapsed("limit:do:1:a"))
    engine.tell(Elapsed(f"limit:{direction}:1:a"))
    assert engine.ignored == ""
    state = engine.execution.step("a")
    assert (state.undo_error if direction == "undo" else state.error) == "no reply came in time"


def test_a_sleep_ends_by_its_timer() -> None:
    engine = Engine(sleep("z"), step("a"))
    assert engine.timers() == [("wait:do:0:z", 50)]
    assert engine.tell(Elapsed("wait:do:0:z")) == ["do a 1"]
    assert engine.outcome("z") == "ok"


def test_a_wait_that_nothing_ended_turns_back() -> None:
    engine = Engine(step("a"), wait("w"))
    engine.ok("a")
    assert engine.tell(Elapsed("wait:do:0:w")) == ["undo a 1"]
    abort = engine.state.abort
    assert abort is not None
    assert (abort.reason, abort.step, abort.text, abort.code) == ("error", "w", "no news came in time", "timeout")


def test_a_wait_may_go_on_without_its_fact() -> None:
    engine = Engine(wait("w", on_timeout="continue"), step("b"))
    assert engine.tell(Elapsed("wait:do:0:w")) == ["do b 1"]
    assert "w_news" not in engine.state.facts


def test_an_event_that_came_in_time_ends_a_wait_whose_time_ran_out_while_suspended() -> None:
    engine = Engine(wait("w"), step("b"))
    engine.operate(SuspendRequested)
    engine.arrive("n")
    engine.tell(Elapsed("wait:do:0:w"))
    assert engine.state.facts["w_news"] == "n"
    assert engine.operate(ResumeRequested) == ["do b 1"]


def test_the_deadline_turns_back() -> None:
    engine = Engine(step("a"), wait("w"), within_ms=9_000)
    assert engine.timers() == [("saga", 9_000)]
    engine.ok("a")
    assert engine.tell(Elapsed("saga")) == ["undo a 1"]
    assert engine.state.abort is not None
    assert (engine.state.abort.reason, engine.state.abort.code) == ("deadline", "deadline")
    assert (engine.alerts(), engine.phase("w")) == ([], Phase.DROPPED)


def test_behind_the_pivot_the_deadline_only_alerts() -> None:
    engine = Engine(pivot("p"), retriable("r"), within_ms=9_000)
    engine.ok("p")
    engine.tell(Elapsed("saga"))
    assert (engine.alerts(), engine.word) == ([("overdue", "")], "Running")


def test_a_deadline_that_finds_the_pivot_open_alerts_and_turns_back_if_it_is_refused() -> None:
    engine = Engine(step("a"), pivot("p"), within_ms=9_000)
    engine.ok("a")
    engine.tell(Elapsed("saga"))
    assert engine.alerts() == [("overdue", "")]
    assert engine.refuse("p") == ["undo a 1"]


def test_a_deadline_that_waited_for_the_pivot_came_to_nothing_once_it_is_ok() -> None:
    engine = Engine(pivot("p"), retriable("r"), within_ms=9_000)
    engine.tell(Elapsed("saga"))
    assert engine.ok("p") == ["do r 1"]
    assert (engine.alerts(), engine.state.waiting_abort) == ([], None)


def test_a_cancel_after_the_deadline_waits_in_its_place() -> None:
    engine = Engine(pivot("p"), within_ms=9_000)
    engine.tell(Elapsed("saga"))
    engine.operate(CancelRequested)
    engine.ok("p")
    assert engine.alerts() == [("cancel_refused", "")]


def test_a_cancel_that_waited_turns_back_when_the_pivot_proves_never_begun() -> None:
    engine = Engine(step("a"), pivot("p"))
    engine.ok("a")
    engine.operate(CancelRequested)
    assert engine.tell(Stalled(step="p")) == ["undo a 1"]


def test_a_cancel_waits_through_the_pivots_retries() -> None:
    engine = Engine(step("a"), pivot("p"))
    engine.ok("a")
    engine.operate(CancelRequested)
    engine.fail("p")
    assert engine.tell(Elapsed("retry:do:1:p")) == ["do p 2"]
    engine.fail("p", attempt=2)
    assert engine.alerts() == [("parked", "p"), ("cancel_refused", "")], "nobody knows what it did"
    assert engine.word == "Parked"


def test_a_pivot_that_is_asked_about_is_open_and_a_cancel_waits_for_what_is_found() -> None:
    engine = Engine(step("a"), pivot("p", retry=ONCE, probe=True))
    engine.ok("a")
    assert engine.fail("p") == ["probe p 1"]
    assert engine.operate(CancelRequested) == []
    assert engine.state.abort is None
    assert engine.refuse("p", "probe") == ["undo a 1"]
