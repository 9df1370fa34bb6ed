"""Events of a model history, and the form in which the real look at the tail reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.api.history.v1 import HistoryEvent


class Kind(StrEnum):
    """What happened. The words are those of the server's event types."""

    STARTED = "WORKFLOW_EXECUTION_STARTED"
    SIGNALED = "WORKFLOW_EXECUTION_SIGNALED"
    CANCEL_REQUESTED = "WORKFLOW_EXECUTION_CANCEL_REQUESTED"
    TASK_SCHEDULED = "WORKFLOW_TASK_SCHEDULED"
    TASK_STARTED = "WORKFLOW_TASK_STARTED"
    TASK_COMPLETED = "WORKFLOW_TASK_COMPLETED"
    TASK_FAILED = "WORKFLOW_TASK_FAILED"
    TASK_TIMED_OUT = "WORKFLOW_TASK_TIMED_OUT"
    MARKER = "MARKER_RECORDED"
    ACTIVITY_SCHEDULED = "ACTIVITY_TASK_SCHEDULED"
    ACTIVITY_CANCEL_REQUESTED = "ACTIVITY_TASK_CANCEL_REQUESTED"
    ACTIVITY_COMPLETED = "ACTIVITY_TASK_COMPLETED"
    ACTIVITY_FAILED = "ACTIVITY_TASK_FAILED"
    ACTIVITY_TIMED_OUT = "ACTIVITY_TASK_TIMED_OUT"
    ACTIVITY_CANCELED = "ACTIVITY_TASK_CANCELED"
    TIMER_STARTED = "TIMER_STARTED"
    TIMER_FIRED = "TIMER_FIRED"
    TIMER_CANCELED = "TIMER_CANCELED"
    UPDATE_ACCEPTED = "WORKFLOW_EXECUTION_UPDATE_ACCEPTED"
    UPDATE_COMPLETED = "WORKFLOW_EXECUTION_UPDATE_COMPLETED"
    UPSERTED = "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"
    COMPLETED = "WORKFLOW_EXECUTION_COMPLETED"
    CONTINUED = "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"


@dataclass(slots=True)
class Event:
    """One event.

    Attributes:
        id: its place, the first is 1; 0 while it is buffered.
        completed_by: id of the completion of the workflow task that wrote it; 0 if none did.
        more: what the model needs to know of it.
    """

    kind: Kind
    id: int = 0
    at: float = 0.0
    completed_by: int = 0
    more: dict[str, Any] = field(default_factory=dict[str, Any])


def to_proto(event: Event) -> HistoryEvent:
    """The event as the server shows it, as far as the look at the tail reads it."""
    made = HistoryEvent(event_id=event.id, event_type=EventType.Value(f"EVENT_TYPE_{event.kind}"))
    name = f"{event.kind.lower()}_event_attributes"
    attributes = getattr(made, name)
    attributes.SetInParent()
    if event.completed_by and hasattr(attributes, "workflow_task_completed_event_id"):
        attributes.workflow_task_completed_event_id = event.completed_by
    if event.kind is Kind.ACTIVITY_SCHEDULED:
        attributes.activity_id = event.more["activity_id"]
    if event.kind is Kind.TASK_TIMED_OUT:
        attributes.timeout_type = TimeoutType.Value(f"TIMEOUT_TYPE_{event.more['timeout']}")
    return made
