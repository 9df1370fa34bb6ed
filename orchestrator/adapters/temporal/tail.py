"""Was an attempt of this workflow task lost? The look at the history's tail (express.md, 9), without any I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import EventType, TimeoutType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from temporalio.api.history.v1 import HistoryEvent

LONG_MS = 500
"""A task that ended without commands and took so long was kept alive by a heartbeat; to hold an event takes far less.

Signals that came meanwhile stand between its completion and the next task, so its length is what tells it."""


def was_attempt_lost(newest_first: Iterable[HistoryEvent], activity_id: str, since: int) -> bool | None:
    """Whether an attempt left no record, of the task that scheduled activity `activity_id` or of one since `since`.

    From the task that completed with our schedule event it looks back beyond the event `since` to the last event that
    a completed task wrote, or to the start. Between them stands the failure, the start-to-close time-out, or the
    forced completion without commands (a heartbeat) of a lost attempt, if there was one. A schedule-to-start time-out
    is none: nothing was run.

    Returns:
        None if the events end before the answer is known: give more of them.
    """
    events = iter(newest_first)
    completed_by = _scheduling_task(events, activity_id)
    if completed_by is None:
        return None
    task = _Task()
    for event in events:
        if event.event_id < completed_by and task.shows_loss(event):
            return True
        if event.event_id == 1 or (event.event_id < min(since, completed_by) and _written_by_task(event)):
            return False
    return None


def may_last_attempt_be_lost(newest_first: Iterable[HistoryEvent]) -> bool:
    """Whether the last workflow task of a run that was ended from outside may have left effects without a record.

    Args:
        newest_first: the whole history.
    """
    task = _Task()
    for event in newest_first:
        if _written_by_task(event):
            return False
        if task.shows_loss(event) or event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            return True
    return True  # not one task was recorded: one that was started eagerly leaves no event


def _scheduling_task(events: Iterator[HistoryEvent], activity_id: str) -> int | None:
    for event in events:
        attributes = event.activity_task_scheduled_event_attributes
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED and attributes.activity_id == activity_id:
            return attributes.workflow_task_completed_event_id
    return None


class _Task:
    """One workflow task after the other, read backwards: whether its end is the trace of a lost attempt."""

    def __init__(self) -> None:
        self._newer: HistoryEvent | None = None
        self._completed: HistoryEvent | None = None

    def shows_loss(self, event: HistoryEvent) -> bool:
        """Take the next older event."""
        newer, self._newer = self._newer, event
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            timeout = event.workflow_task_timed_out_event_attributes.timeout_type
            return timeout == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            self._completed = None if newer is None or _written_by_task(newer) else event
            return self._completed is not None and _is_scheduling(newer)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED and self._completed is not None:
            completed, self._completed = self._completed, None
            return completed.event_time.ToMilliseconds() - event.event_time.ToMilliseconds() >= LONG_MS
        return event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED


def _is_scheduling(event: HistoryEvent | None) -> bool:
    """Whether the server made the next task at once, because the worker asked for it: a heartbeat does."""
    return event is not None and event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED


def _written_by_task(event: HistoryEvent) -> bool:
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
        return True
    name = event.WhichOneof("attributes")
    attributes = getattr(event, name) if name else None
    return bool(getattr(attributes, "workflow_task_completed_event_id", 0))
