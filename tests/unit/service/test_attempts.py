"""Attempts are read off the journal, the commands that were sent, and what is under way."""

from typing import Literal

import pytest

from orchestrator.engine.execution import Execution
from orchestrator.engine.states import Phase, StepState
from orchestrator.saga.plan import CallPlan, Plan, RetryPlan, StepPlan, TriggerPlan
from orchestrator.service.attempts import Attempt, attempts, next_tries
from orchestrator.service.journal import JournalEntry
from orchestrator.service.records import MessageRecord, StepRow, moment


def told(kind, *, step="charge", direction="do", attempt=1, **more):
    return JournalEntry(revision=1, at_ms=2_000, kind=kind, step=step, direction=direction, attempt=attempt, **more)


def sent(*, call="do", attempt=1, kind: Literal["command", "event", "reply"] = "command", at_ms=1_000):
    return MessageRecord(
        execution_id="shop:1",
        message_id="m",
        direction="out",
        kind=kind,
        type="charge",
        at_ms=at_ms,
        step="charge",
        call=call,
        attempt=attempt,
    )


def test_an_attempt_has_its_begin_from_its_command_and_its_end_from_the_journal() -> None:
    found = attempts([told("Refused", code="declined", reason="no money")], [sent()], [])
    assert found == (
        Attempt(
            step="charge",
            direction="do",
            attempt=1,
            began=moment(1_000),
            ended=moment(2_000),
            end="rejected",
            code="declined",
            reason="no money",
        ),
    )


def test_each_way_of_ending_has_its_word() -> None:
    journal = [told(kind) for kind in ("Succeeded", "Refused", "Failed", "Stalled", "Withdrawn")]
    assert [one.end for one in attempts(journal, [], [])] == ["ok", "rejected", "unknown", "not_begun", "not_begun"]


def test_what_is_no_attempt_is_left_out() -> None:
    pause_over = told("Elapsed", step="", direction="", attempt=0)
    assert attempts([pause_over, told("CancelRequested", actor="ann")], [sent(kind="event")], []) == ()


def test_an_attempt_whose_time_was_up_has_ended_without_a_verdict() -> None:
    assert [(one.step, one.end) for one in attempts([told("Elapsed")], [], [])] == [("charge", "unknown")]


def test_what_is_under_way_has_no_end() -> None:
    rows = [
        StepRow(step="charge", phase="doing", outcome="none", attempt=2),
        StepRow(step="reserve", phase="undoing", outcome="ok", attempt=1, undo_attempt=3),
        StepRow(step="ship", phase="probing", outcome="unknown", attempt=1),
        StepRow(step="pack", phase="resting", outcome="none", attempt=1),
    ]
    found = attempts([], [sent(attempt=2)], rows)
    assert [(one.step, one.direction, one.attempt, one.end) for one in found] == [
        ("charge", "do", 2, ""),
        ("reserve", "undo", 3, ""),
        ("ship", "probe", 1, ""),
    ]
    assert [one.began for one in found] == [moment(1_000), None, None]


def test_an_attempt_that_ended_is_not_under_way_too() -> None:
    rows = [StepRow(step="charge", phase="doing", outcome="none", attempt=1)]
    assert [one.end for one in attempts([told("Failed")], [], rows)] == ["unknown"]


def test_a_command_that_was_sent_again_began_when_it_went_out_first() -> None:
    (one,) = attempts([told("Succeeded")], [sent(at_ms=1_900), sent(at_ms=1_200), sent(at_ms=1_500)], [])
    assert one.began == moment(1_200)


def test_within_a_run_whose_clock_stands_still_the_reply_says_when_an_attempt_ended() -> None:
    messages = [sent(at_ms=2_050), sent(kind="reply", at_ms=2_080), sent(kind="reply", at_ms=2_500)]
    (one,) = attempts([told("Succeeded")], messages, [])
    assert (one.began, one.ended) == (moment(2_050), moment(2_080))


def test_an_attempt_never_ends_before_it_began() -> None:
    (one,) = attempts([told("Failed")], [sent(at_ms=2_050)], [])
    assert (one.began, one.ended) == (moment(2_050), moment(2_050))


def test_a_late_reply_does_not_move_the_end_of_an_attempt_whose_time_was_up() -> None:
    (one,) = attempts([told("Elapsed")], [sent(), sent(kind="reply", at_ms=9_000)], [])
    assert one.ended == moment(2_000)


def rested(attempt: int, *, granted: int = 0, direction: Literal["do", "undo"] = "do") -> Execution:
    """An execution whose first step rests behind an attempt."""
    execution = Execution.begin(plan(), "shop:1")
    phase = Phase.RESTING if direction == "do" else Phase.UNDO_RESTING
    is_undo = direction == "undo"
    step = StepState(phase=phase, attempt=0 if is_undo else attempt, undo_attempt=attempt if is_undo else 0)
    step.granted = granted
    execution.state.steps["reserve"] = step
    return execution


POLICY = RetryPlan(attempts=9, first_delay_ms=1_000, backoff=3.0, max_delay_ms=60_000)


def plan() -> Plan:
    call = CallPlan(lane="command", handler="shop.reserve@1", message_type="reserve", participant="p")
    step = StepPlan(id="reserve", do=call, undo=call, retry=POLICY, undo_retry=RetryPlan(attempts=5, first_delay_ms=7))
    trigger = TriggerPlan(event="placed", gives="placed", key="id")
    return Plan(saga="shop", version=1, trigger=trigger, root=step, compensation_window_ms=1)


@pytest.mark.parametrize(("attempt", "granted", "pause_ms"), [(1, 0, 1_000), (3, 0, 9_000), (3, 2, 1_000)])
def test_the_next_try_begins_when_the_policys_pause_is_over_a_fresh_set_with_the_shortest(
    attempt, granted, pause_ms
) -> None:
    state = rested(attempt, granted=granted).state
    made = attempts([told("Failed", step="reserve", attempt=number) for number in range(1, attempt + 1)], [], [])
    expected = Attempt(step="reserve", direction="do", attempt=attempt + 1, began=moment(2_000 + pause_ms))
    assert next_tries(plan(), state, made) == {"reserve": expected}


def test_an_undo_rests_by_its_own_policy_and_what_does_not_rest_has_no_next_try() -> None:
    state = rested(1, direction="undo").state
    made = attempts([told("Failed", step="reserve", direction="undo")], [], [])
    assert next_tries(plan(), state, made)["reserve"].began == moment(2_007)
    assert next_tries(plan(), state, []) == {}, "nobody knows when the pause began"
    state.steps["reserve"].phase = Phase.DOING
    assert next_tries(plan(), state, made) == {}
