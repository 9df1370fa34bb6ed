"""What may be done to one execution: what the table allows, if the engine does too and an undo does something. Pure."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from orchestrator.errors import RefusedCommandError
from orchestrator.service.compensation import plan_undo
from orchestrator.service.requests import Abandon, Cancel, Release, Resume, Suspend, command_of
from orchestrator.service.rules import actions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestrator.service.access import Caller
    from orchestrator.service.records import Status
    from orchestrator.service.requests import Operation, Request
    from orchestrator.service.rules import Action
    from orchestrator.service.subjects import Subject

NOTHING = "there is nothing to undo"
WHOLE: Mapping[Operation, Request] = MappingProxyType(
    {"suspend": Suspend(), "resume": Resume(), "cancel": Cancel(), "abandon": Abandon(), "release": Release()}
)
"""Operations that speak of no step: whether the engine has an objection is known before somebody asks for them."""


def offered(caller: Caller, subject: Subject, status: Status, now: datetime) -> tuple[Action, ...]:
    """Every operation, and whether this caller may do it now. `status`: the word of lists, as it is known."""
    found = actions(caller, subject.execution.plan.saga, status)
    return tuple(_judged(one, subject, now) if one.allowed else one for one in found)


def _judged(action: Action, subject: Subject, now: datetime) -> Action:
    asked = WHOLE.get(action.operation)
    if action.operation == "compensate":
        refusal = no_undo(subject, now)
    elif asked is not None:
        refusal = subject.execution.objection(command_of(asked, command_id="", actor="someone", reason="to know"))
    else:
        refusal = ""
    return replace(action, allowed=False, why_not=refusal) if refusal else action


def no_undo(subject: Subject, now: datetime) -> str:
    """Why not even the whole of it can be undone now; empty if it can."""
    if is_over(subject, now):
        return window_over(subject)
    try:
        plan = plan_undo(subject.to_undo())
    except RefusedCommandError as error:
        return error.reason
    return "" if plan.steps else NOTHING


def is_over(subject: Subject, now: datetime) -> bool:
    """Whether the time in which it could be undone by hand has passed."""
    return subject.window_ends is not None and now > subject.window_ends


def window_over(subject: Subject) -> str:
    """When that was."""
    assert subject.window_ends is not None, subject  # noqa: S101 - asked only of those whose time has passed
    return f"its compensation window ended at {subject.window_ends.isoformat(timespec='seconds')}"
