"""Was an attempt of this workflow task lost? The look at the history's tail (express.md, 9), without any I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import EventType, TimeoutType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from temporalio.api.history.v1 import HistoryEvent


def was_attempt_lost(newest_first: Iterable[HistoryEvent], activity_id: str) -> bool | None:
    """Whether the workflow task that scheduled activity `activity_id` had an earlier attempt that left no record.

    From the task that completed with our schedule event it looks back to the last event that a completed task wrote,
    or to the start. Between them stands the failure, the start-to-close time-out, or the empty completion (a
    heartbeat) of a lost attempt, if there was one. A schedule-to-start time-out is none: nothing was run.

    Returns:
        None if the events end before the answer is known: give more of them.
    """
    events = iter(newest_first)
    completed_by = _scheduling_task(events, activity_id)
    if completed_by is None:
        return None
    for event in events:
        if event.event_id >= completed_by:
            continue
        if _is_trace_of_loss(event):
            return True
        if _written_by_task(event) or event.event_id == 1:
            return False
    return None


def may_last_attempt_be_lost(newest_first: Iterable[HistoryEvent]) -> bool:
    """Whether the last workflow task of a run that was ended from outside may have left effects without a record.

    Args:
        newest_first: the whole history.
    """
    for event in newest_first:
        if _written_by_task(event):
            return False
        if _is_trace_of_loss(event) or event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            return True
    return True  # not one task was recorded: one that was started eagerly leaves no event


def _scheduling_task(events: Iterator[HistoryEvent], activity_id: str) -> int | None:
    for event in events:
        attributes = event.activity_task_scheduled_event_attributes
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED and attributes.activity_id == activity_id:
            return attributes.workflow_task_completed_event_id
    return None


def _is_trace_of_loss(event: HistoryEvent) -> bool:
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
        timeout = event.workflow_task_timed_out_event_attributes.timeout_type
        return timeout == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    return event.event_type in (
        EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    )


def _written_by_task(event: HistoryEvent) -> bool:
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
        return True
    name = event.WhichOneof("attributes")
    attributes = getattr(event, name) if name else None
    return bool(getattr(attributes, "workflow_task_completed_event_id", 0))
