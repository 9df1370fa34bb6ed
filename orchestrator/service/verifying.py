"""What came of an operation that was applied: never claimed before the saga shows it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from orchestrator.engine.states import Phase
from orchestrator.service.requests import (
    Abandon,
    Cancel,
    Compensate,
    EditAndRetry,
    Release,
    Resolve,
    Resume,
    Retry,
    Skip,
    Suspend,
)

if TYPE_CHECKING:
    from orchestrator.engine.execution import Execution
    from orchestrator.service.operations import OperationRecord, OperationState
    from orchestrator.service.requests import Request
    from orchestrator.service.subjects import Subject

Verdict: TypeAlias = "tuple[OperationState, str] | None"
"""The final state and a sentence; None = it cannot be told yet."""
_TRYING = frozenset({Phase.DOING, Phase.RESTING, Phase.PROBING, Phase.UNDOING, Phase.UNDO_RESTING})


def came_of(record: OperationRecord, subject: Subject) -> Verdict:
    """What came of an operation, by its execution as it was just seen."""
    stands, gone = subject.execution.state, subject.seen.gone
    # What answers may not know of the command yet, as a linked run that no worker has begun.
    is_known = stands.revision >= (record.after or 0) and record.id in stands.commands
    found = verdict(record.request, subject.execution) if is_known else None
    if found is None and gone:
        # Left open it would stay so for ever, and stand in the way of the same plan, confirmed anew.
        return "failed", f"the execution was ended from outside ({gone.replace('_', ' ')}) before it came to that"
    return found


def verdict(request: Request, execution: Execution) -> Verdict:
    """What came of `request`, by an execution that stands at or behind the revision that the command made."""
    match request:
        case Retry() | EditAndRetry():
            return _tried(execution, request.step)
        case Skip():
            return _settled(execution, request.step, Phase.DONE, "the saga went on past the step")
        case Resolve():
            return _resolved(execution, request)
        case Compensate() | Cancel():
            return _turned_back(execution)
        case Abandon():
            return ("verified", f"it ended: {execution.word}") if execution.state.ended else None
        case Suspend():
            return _suspended(execution)
        case Resume():
            return ("no_effect", "it is suspended again") if execution.state.suspended else ("verified", "it goes on")
        case Release():
            return "verified", "the held events went to parking"
        case _:
            assert_never(request)


def _tried(execution: Execution, name: str) -> Verdict:
    step = execution.step(name)
    if step.phase in _TRYING:
        return None
    match step.phase:
        case Phase.DONE | Phase.UNDONE:
            return "verified", "the saga passed the step"
        case Phase.PARKED:
            return "verified", f"it failed again: {step.error}"
        case Phase.STUCK:
            return "verified", f"it failed again: {step.undo_error}"
        case _:
            return "no_effect", f"something else was decided: the step is {step.phase.value}"


def _settled(execution: Execution, name: str, wanted: Phase, text: str) -> Verdict:
    phase = execution.step(name).phase
    if phase is wanted or (wanted is Phase.DONE and phase is Phase.UNDONE):
        return "verified", text
    return None if phase in _TRYING else ("no_effect", f"something else was decided: the step is {phase.value}")


def _resolved(execution: Execution, request: Resolve) -> Verdict:
    match request.how:
        case "retry":
            return _tried(execution, request.step)
        case "mark_done":
            return _settled(execution, request.step, Phase.UNDONE, "it counts as undone by hand")
        case "give_up":
            return _settled(execution, request.step, Phase.LEFT, "it is left undone")
        case _:
            assert_never(request.how)


def _turned_back(execution: Execution) -> Verdict:
    state = execution.state
    if execution.undo == "stuck":
        return "verified", "an undo is stuck: decide about it"
    if not state.ended:
        return None
    if not state.is_unwinding:
        return "no_effect", f"it had passed the point of no return: {execution.word}"
    return "verified", f"it ended: {execution.word}"


def _suspended(execution: Execution) -> Verdict:
    if execution.state.suspended:
        return "verified", "nothing begins until it is resumed"
    return "no_effect", f"it was not suspended for long: {execution.word}"
