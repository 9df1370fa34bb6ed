"""The ONE table of what may be done to an execution, by status; API, command line and console ask only here.

The engine has the last word about one execution (a parked step may stand before or behind the pivot); this table is
what can be said from the status alone, and who may. To replay an event is no row of it: that is done to a message,
whose sagas are found anew, in whatever status they are (`resending`; the audit says `replay_event`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

from orchestrator.service.access import Permission
from orchestrator.service.requests import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.service.access import Caller
    from orchestrator.service.records import Status

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
PERMISSIONS: Mapping[Operation, Permission] = MappingProxyType(
    {
        "compensate": Permission.COMPENSATE,
        "retry": Permission.RETRY,
        "edit_and_retry": Permission.EDIT,
        "skip": Permission.SKIP,
        "resolve": Permission.RESOLVE,
        "suspend": Permission.SUSPEND,
        "resume": Permission.SUSPEND,
        "cancel": Permission.CANCEL,
        "abandon": Permission.ABANDON,
        "release": Permission.RELEASE,
    }
)
"""The right that each operation needs, beside `saga:read`."""

ALLOWED: Mapping[Status, frozenset[Operation]] = MappingProxyType(
    {
        "running": frozenset({"compensate", "suspend", "cancel", "release"}),
        "suspended": frozenset({"compensate", "resume", "cancel", "abandon", "release"}),
        "parked": frozenset(
            {"compensate", "retry", "edit_and_retry", "skip", "suspend", "resume", "cancel", "release"}
        ),
        "compensating": frozenset({"compensate", "suspend", "abandon", "release"}),
        "stuck": frozenset(
            {"compensate", "retry", "edit_and_retry", "resolve", "suspend", "resume", "abandon", "release"}
        ),
        "completed": frozenset({"compensate"}),
        "compensated": frozenset(),
        "partially_compensated": frozenset({"compensate"}),
        "aborted": frozenset({"compensate"}),
        "terminated": frozenset({"compensate"}),
    }
)
"""What may be done in each status."""


@dataclass(frozen=True, slots=True)
class Action:
    """Whether a caller may do something now, and if not, why."""

    operation: Operation
    allowed: bool
    why_not: str = ""


def why_not(operation: Operation, status: Status) -> str:
    """Why an operation is not for executions of this status; empty if it is. In one of another version, nothing is."""
    if operation in ALLOWED.get(status, ()):
        return ""
    wanted = [word for word, allowed in ALLOWED.items() if operation in allowed]
    return f"{operation} is for executions that are {', '.join(wanted)}; this one is {status}"


def actions(caller: Caller, saga: str, status: Status) -> tuple[Action, ...]:
    """Every operation, and whether this caller may do it now."""
    return tuple(_action(caller, saga, status, operation) for operation in OPERATIONS)


def _action(caller: Caller, saga: str, status: Status, operation: Operation) -> Action:
    permission = PERMISSIONS[operation]
    if not (caller.may(permission, saga) and caller.may(Permission.READ, saga)):
        return Action(operation, allowed=False, why_not=f"it needs the permission {permission}")
    refusal = why_not(operation, status)
    return Action(operation, allowed=not refusal, why_not=refusal)
