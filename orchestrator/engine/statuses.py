"""The two statuses of an execution and the one word that lists show, read off its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from orchestrator.engine.states import Phase
from orchestrator.engine.unwinding import is_eligible, is_undoable

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn

Forward: TypeAlias = Literal["running", "suspended", "completed", "aborted", "parked"]
Undo: TypeAlias = Literal["none", "running", "stuck", "done", "partial"]
Word: TypeAlias = Literal[
    "Running",
    "Suspended",
    "Parked",
    "Compensating",
    "Stuck",
    "Completed",
    "Compensated",
    "Partially compensated",
    "Aborted",
]


def forward_status(turn: Turn) -> Forward:
    """How far the forward way is."""
    if turn.state.abort is not None:
        return "aborted"
    if turn.state.completed:
        return "completed"
    if turn.state.suspended:
        return "suspended"
    return "parked" if _any_in(turn, Phase.PARKED) else "running"


def undo_status(turn: Turn) -> Undo:
    """How far the way back is."""
    if not turn.state.is_unwinding:
        return "none"
    if _any_in(turn, Phase.STUCK):
        return "stuck"
    if not turn.state.ended:
        return "running"
    if _any_in(turn, Phase.LEFT) or _left_out_of_scope(turn):
        return "partial"
    return "done" if _any_in(turn, Phase.UNDONE) else "none"


def word(turn: Turn) -> Word:
    """The one word for lists."""
    undo = undo_status(turn)
    if turn.state.suspended and undo != "stuck":
        return "Suspended"
    return _FORWARD_WORDS[forward_status(turn)] if undo == "none" else _UNDO_WORDS[undo]


def _any_in(turn: Turn, phase: Phase) -> bool:
    return any(step.phase is phase for step in turn.state.steps.values())


def _left_out_of_scope(turn: Turn) -> bool:
    return any(
        is_undoable(turn, name) and not is_eligible(turn, name) and turn.phase(name) is not Phase.UNDONE
        for name in turn.state.steps
    )


_FORWARD_WORDS: dict[Forward, Word] = {
    "running": "Running",
    "parked": "Parked",
    "completed": "Completed",
    "aborted": "Aborted",
}
_UNDO_WORDS: dict[Undo, Word] = {
    "running": "Compensating",
    "stuck": "Stuck",
    "done": "Compensated",
    "partial": "Partially compensated",
}
