"""The look at the history's tail, on histories written by hand: each shape that express.md, 9 speaks of."""

import pytest
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.history.v1 import HistoryEvent

from orchestrator.adapters.temporal.tail import was_attempt_lost

OURS = "7"
NOW = 10_000
"""Nothing is open from before: the task at hand alone matters."""


def history(*kinds):
    """Events numbered from 1, newest first. Each is a kind, or a kind with its attributes."""
    events = []
    for number, kind in enumerate(kinds, start=1):
        name, more = kind if isinstance(kind, tuple) else (kind, {})
        event = HistoryEvent(event_id=number, event_type=getattr(EventType, f"EVENT_TYPE_{name.upper()}"))
        attributes = getattr(event, f"{name}_event_attributes")
        attributes.SetInParent()
        for field, value in more.items():
            setattr(attributes, field, value)
        events.append(event)
    return list(reversed(events))


def by(task, name, **more):
    return (name, {"workflow_task_completed_event_id": task, **more})


def ours(task):
    return by(task, "activity_task_scheduled", activity_id=OURS)


def timed_out(kind):
    return ("workflow_task_timed_out", {"timeout_type": kind})


START = "workflow_execution_started"
TASK = ("workflow_task_scheduled", "workflow_task_started")
COMPLETED = "workflow_task_completed"
LATE = timed_out(TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE)
UNTAKEN = timed_out(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START)


@pytest.mark.parametrize(
    ("events", "lost"),
    [
        ((START, *TASK, COMPLETED, ours(4)), False),
        ((START, *TASK, LATE, *TASK, COMPLETED, ours(7)), True),
        ((START, *TASK, "workflow_task_failed", *TASK, COMPLETED, ours(7)), True),
        ((START, *TASK, COMPLETED, *TASK, COMPLETED, ours(7)), True),
        ((START, *TASK, UNTAKEN, *TASK, COMPLETED, ours(7)), False),
        ((START, *TASK, UNTAKEN, *TASK, LATE, *TASK, COMPLETED, ours(10)), True),
        ((START, *TASK, LATE, "workflow_execution_signaled", *TASK, COMPLETED, ours(8)), True),
    ],
    ids=[
        "first task, nothing lost",
        "timed out",
        "failed",
        "a heartbeat, which is a completion without commands",
        "nobody took it, nothing was run",
        "untaken, then timed out",
        "a signal in between",
    ],
)
def test_the_first_task_of_a_run(events, lost) -> None:
    assert was_attempt_lost(history(*events), OURS, NOW) is lost


@pytest.mark.parametrize(
    "record",
    [
        by(4, "marker_recorded"),
        by(4, "timer_started"),
        by(4, "activity_task_scheduled", activity_id="1"),
        "workflow_execution_update_accepted",
    ],
    ids=["marker", "timer", "activity", "accepted update"],
)
def test_the_look_ends_at_what_the_task_before_has_recorded(record) -> None:
    """What was lost before that record is no business of this task."""
    before = (START, *TASK, LATE, *TASK, COMPLETED, record)
    assert was_attempt_lost(history(*before, *TASK, COMPLETED, ours(11)), OURS, NOW) is False
    assert was_attempt_lost(history(*before, *TASK, LATE, *TASK, COMPLETED, ours(14)), OURS, NOW) is True


def test_a_completed_task_that_wrote_a_record_is_no_heartbeat() -> None:
    events = (START, *TASK, COMPLETED, by(4, "marker_recorded"), *TASK, COMPLETED, ours(8))
    assert was_attempt_lost(history(*events), OURS, NOW) is False


def test_a_heartbeat_between_a_lost_attempt_and_the_record_is_seen_through() -> None:
    events = (START, *TASK, COMPLETED, *TASK, LATE, *TASK, COMPLETED, ours(10))
    assert was_attempt_lost(history(*events), OURS, NOW) is True


def test_what_the_task_itself_has_recorded_beside_our_activity_is_not_taken_for_the_task_before() -> None:
    events = (START, *TASK, LATE, *TASK, COMPLETED, by(7, "marker_recorded"), ours(7))
    assert was_attempt_lost(history(*events), OURS, NOW) is True


def test_what_happened_after_our_activity_was_scheduled_is_not_looked_at() -> None:
    events = (START, *TASK, COMPLETED, ours(4), *TASK, LATE)
    assert was_attempt_lost(history(*events), OURS, NOW) is False


def test_the_result_of_an_activity_belongs_to_no_task_and_the_look_goes_past_it() -> None:
    """A durable result arrived, a task ran brief steps after it and was lost, the next one aborts."""
    before = (START, *TASK, COMPLETED, by(4, "activity_task_scheduled", activity_id="1"), "activity_task_started")
    task_lost = ("activity_task_completed", *TASK, LATE)
    assert was_attempt_lost(history(*before, *task_lost, *TASK, COMPLETED, ours(13)), OURS, NOW) is True


def test_events_that_end_too_early_say_nothing() -> None:
    whole = history(START, *TASK, LATE, *TASK, COMPLETED, ours(7))
    assert was_attempt_lost(whole[:0], OURS, NOW) is None
    assert was_attempt_lost(whole[:4], OURS, NOW) is None
    assert was_attempt_lost(whole[:5], OURS, NOW) is True
    assert was_attempt_lost(whole, "another", NOW) is None


OPEN_BEFORE = (START, *TASK, LATE, *TASK, COMPLETED, by(7, "marker_recorded"), by(7, "timer_started"))


def test_while_a_step_is_open_the_look_goes_back_to_the_task_that_began_it() -> None:
    """The lost attempt went on where its repeat found no answer; what the repeat recorded does not undo that."""
    events = (*OPEN_BEFORE, "workflow_execution_signaled", *TASK, COMPLETED, ours(13))
    assert was_attempt_lost(history(*events), OURS, NOW) is False
    assert was_attempt_lost(history(*events), OURS, 6) is True


def test_what_stands_before_the_task_that_began_it_does_not_matter() -> None:
    before = (START, *TASK, LATE, *TASK, COMPLETED, by(7, "timer_started"), "timer_fired", *TASK, COMPLETED)
    events = (*before, by(11, "marker_recorded"), "workflow_execution_signaled", *TASK, COMPLETED, ours(16))
    assert was_attempt_lost(history(*events), OURS, 10) is False
    assert was_attempt_lost(history(*events), OURS, 6) is True


def test_a_task_that_only_took_an_event_is_no_heartbeat() -> None:
    events = (START, *TASK, COMPLETED, "workflow_execution_signaled", *TASK, COMPLETED, ours(8))
    assert was_attempt_lost(history(*events), OURS, NOW) is False


def test_a_task_that_ended_late_and_wrote_nothing_was_kept_alive_by_a_heartbeat() -> None:
    """Signals that came meanwhile stand between its completion and the next task."""
    events = history(START, *TASK, COMPLETED, "workflow_execution_signaled", *TASK, COMPLETED, ours(8))
    completed = next(event for event in events if event.event_id == 4)
    completed.event_time.FromMilliseconds(2_400)
    assert was_attempt_lost(events, OURS, NOW) is True
