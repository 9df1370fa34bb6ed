"""Reads the rows of the ledger off a snapshot. Pure: the same snapshot gives the same rows."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestrator.engine.signals import Arrived, Elapsed, Started
from orchestrator.engine.states import Phase
from orchestrator.engine.turn import timer_kind
from orchestrator.messages import short_hash
from orchestrator.service.journal import JournalEntry
from orchestrator.service.records import ExecutionRow, StepRow, moment

if TYPE_CHECKING:
    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import Signal
    from orchestrator.engine.states import StepState
    from orchestrator.service.records import Snapshot, Status

UNSETTLED = frozenset(
    {
        Phase.DOING,
        Phase.RESTING,
        Phase.PROBING,
        Phase.PARKED,
        Phase.UNDOING,
        Phase.UNDO_RESTING,
        Phase.STUCK,
    }
)
MAX_ERROR = 1_000
"""Longest error in a row, characters; the state has all of it."""
STATUSES: dict[str, Status] = {
    "Running": "running",
    "Suspended": "suspended",
    "Parked": "parked",
    "Compensating": "compensating",
    "Stuck": "stuck",
    "Completed": "completed",
    "Compensated": "compensated",
    "Partially compensated": "partially_compensated",
    "Aborted": "aborted",
}
_CHANGING = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}|\d+")


def row_of(snapshot: Snapshot) -> ExecutionRow:
    """The line of the list."""
    execution, position, plan = snapshot.execution, snapshot.position, snapshot.plan
    failed_step, error = _failure(execution)
    ended_ms = snapshot.ended_ms or (snapshot.changed_ms if execution.state.ended else None)
    return ExecutionRow(
        execution_id=snapshot.execution_id,
        saga=plan.saga,
        version=plan.version,
        plan=snapshot.plan_hash,
        **_words(snapshot),
        correlation_id=snapshot.correlation_id,
        business_key=snapshot.execution_id.partition(":")[2],
        workflow_id=snapshot.workflow_id,
        run_id=position.run_id,
        run_ms=position.run_ms,
        history=position.history,
        revision=position.revision,
        current_step=_current_step(execution),
        failed_step=failed_step,
        fingerprint=fingerprint(plan.saga, failed_step, error),
        error=error[:MAX_ERROR],
        abort_reason=execution.state.abort.reason if execution.state.abort else "",
        confirmed=snapshot.confirmed,
        gone=snapshot.gone,
        started=moment(snapshot.started_ms),
        changed=moment(snapshot.changed_ms),
        ended=None if ended_ms is None else moment(ended_ms),
        window_ends=None if ended_ms is None else moment(ended_ms + plan.compensation_window_ms),
    )


def status_of(snapshot: Snapshot) -> Status:
    """The word of lists."""
    return "terminated" if snapshot.gone else STATUSES[snapshot.execution.word]


def _words(snapshot: Snapshot) -> dict[str, Any]:
    execution = snapshot.execution
    return {"status": status_of(snapshot), "forward": execution.forward, "undo": execution.undo}


def steps_of(execution: Execution) -> tuple[StepRow, ...]:
    """The steps that were spoken of."""
    return tuple(_step_row(name, step) for name, step in execution.state.steps.items())


def entry_of(revision: int, at_ms: int, signal: Signal, ignored: str) -> JournalEntry:
    """A line of the journal; payloads stay out of it."""
    event = signal.event if isinstance(signal, Arrived) else signal.trigger if isinstance(signal, Started) else None
    kind: Any = type(signal)
    told = _limit(signal.timer) if isinstance(signal, Elapsed) else {n: getattr(signal, n) for n in _told(kind)}
    return JournalEntry(
        revision=revision,
        at_ms=at_ms,
        kind=kind.__name__,
        ignored=ignored,
        message_type=event.type if event else "",
        message_id=event.message_id if event else "",
        said=_said(signal) if event is None else None,
        **told,
    )


def _said(signal: Signal) -> dict[str, Any] | None:
    """What decides beside what each line has; None where all of it is as by default, as with nearly every signal."""
    if isinstance(signal, Elapsed):
        return None if timer_kind(signal.timer) == "limit" else {"timer": signal.timer}
    found = {name: getattr(signal, name) for name, usual in _SAID.items() if getattr(signal, name, usual) != usual}
    return found or None


def _limit(timer: str) -> dict[str, Any]:
    """Of which attempt the time was up; nothing, if the timer was of something else."""
    if timer_kind(timer) != "limit":
        return {}
    _, direction, attempt, step = timer.split(":", 3)
    return {"step": step, "direction": direction, "attempt": int(attempt)}


def fingerprint(saga: str, step: str, error: str) -> str:
    """The same for errors that differ in numbers and ids only; empty where there is no error."""
    return short_hash(saga, step, without_ids(error))[:16] if error else ""


def without_ids(text: str) -> str:
    """The text with `#` in place of every number and every machine-made id."""
    return _CHANGING.sub("#", text)


_SAID = {"retryable": True, "fence_ms": 0, "steps": (), "from_step": None, "override": False, "event_type": None}
_TOLD = ("step", "direction", "attempt", "code", "reason", "actor", "command_id", "frames")


@cache
def _told(kind: Any) -> tuple[str, ...]:
    known = {field.name for field in fields(kind)}
    return tuple(name for name in _TOLD if name in known)


def _step_row(name: str, step: StepState) -> StepRow:
    return StepRow(
        step=name,
        phase=step.phase.value,
        outcome=step.outcome,
        attempt=step.attempt,
        undo_attempt=step.undo_attempt,
        begun=step.order,
        error=step.error[:MAX_ERROR],
        undo_error=step.undo_error[:MAX_ERROR],
    )


def _current_step(execution: Execution) -> str:
    open_ones = [(step.order, name) for name, step in execution.state.steps.items() if step.phase in UNSETTLED]
    return max(open_ones, default=(0, ""))[1]


def waiting_steps(execution: Execution) -> list[str]:
    """The steps that wait for a person: stuck before parked."""
    steps = execution.state.steps.items()
    return [name for phase in (Phase.STUCK, Phase.PARKED) for name, step in steps if step.phase is phase]


def failed_step(execution: Execution) -> str:
    """The step to look at first; empty = none."""
    return _failure(execution)[0]


def _failure(execution: Execution) -> tuple[str, str]:
    """The step to look at first, and what it said: stuck before parked before what turned the execution back."""
    state = execution.state
    for name in waiting_steps(execution):
        step = state.steps[name]
        return name, step.undo_error if step.phase is Phase.STUCK else step.error
    if state.abort is not None:
        return state.abort.step, state.abort.text if state.abort.step else ""
    return "", ""
