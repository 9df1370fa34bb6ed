"""Sagas declared in Python: the authoring API."""

from orchestrator.errors import Rejected, SagaDefinitionError
from orchestrator.messages import Command, Event, numbered, upcasts
from orchestrator.saga.contexts import ActionContext
from orchestrator.saga.definition import Saga
from orchestrator.saga.flow import parallel, pivot, publish, sequence, sleep, step, wait_for
from orchestrator.saga.functions import action, command, event
from orchestrator.saga.projection import Projection
from orchestrator.saga.retry import Retry

__all__ = [
    "ActionContext",
    "Command",
    "Event",
    "Projection",
    "Rejected",
    "Retry",
    "Saga",
    "SagaDefinitionError",
    "action",
    "command",
    "event",
    "numbered",
    "parallel",
    "pivot",
    "publish",
    "sequence",
    "sleep",
    "step",
    "upcasts",
    "wait_for",
]
