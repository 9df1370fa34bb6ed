"""The way back: what is undone, in which order, and when everything is settled. Rules of semantics.md, Unwinding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.effects import CancelAttempt
from orchestrator.engine.states import IN_FLIGHT, UNDO_SETTLED, Abort, Move, Phase
from orchestrator.engine.turn import SAGA_TIMER
from orchestrator.saga.plan import StepPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.turn import Turn

UNDOABLE = frozenset({Phase.DONE, Phase.DOUBTFUL})
"""Phases out of which a first undo begins."""


def abort(turn: Turn, cause: Abort) -> None:
    """Turn back: nothing begins forward any more; waits, sleeps and pauses end at once; work in flight is awaited."""
    if turn.state.abort is not None:
        return
    turn.state.abort = cause
    turn.clear_timer(SAGA_TIMER)
    for name in list(turn.state.steps):
        _stop_forward(turn, name)
    if cause.reason in ("step", "error"):
        _cancel_siblings(turn, cause.step)


def _stop_forward(turn: Turn, name: str) -> None:
    phase = turn.phase(name)
    if phase is Phase.DOING and not isinstance(turn.leaf(name), StepPlan):
        turn.move(name, Move.DROP)
        turn.clear_timers_of(name)
    elif phase in (Phase.RESTING, Phase.PARKED):
        # An earlier attempt may have made its effect, or a copy of its command may still be handled.
        turn.move(name, Move.DOUBT if turn.step(name).outcome == "unknown" else Move.DROP)
        turn.clear_timers_of(name)


def _cancel_siblings(turn: Turn, failed: str) -> None:
    for name in sorted(turn.topology.cancelling.get(failed, ())):
        if turn.phase(name) is Phase.DOING:
            turn.effects.append(CancelAttempt(name, "do", turn.step(name).attempt))


def has_work_in_flight(turn: Turn) -> bool:
    """Whether a forward attempt is still without outcome."""
    return any(step.phase in IN_FLIGHT for step in turn.state.steps.values())


def has_fenced_doubt(turn: Turn) -> bool:
    """Whether a slow worker may still perform a step in doubt that a person may ask to undo once this has ended."""
    return any(
        step.outcome == "unknown" and step.phase in UNDOABLE and is_undoable(turn, name) and turn.is_fenced(name)
        for name, step in turn.state.steps.items()
    )


def unwind(turn: Turn) -> None:
    """Begin every undo whose dependents are settled; nothing while forward work is in flight or it is suspended."""
    if has_work_in_flight(turn):
        return
    if turn.state.abandoned:
        leave_open_undos(turn)
    if turn.state.suspended:
        return
    for leaf in list(ready_undos(turn)):
        begin_undo(turn, leaf)


def is_undoable(turn: Turn, name: str) -> bool:
    """Whether this step was begun, was not refused, and has an undo."""
    leaf, step = turn.leaf(name), turn.state.steps.get(name)
    if step is None or not isinstance(leaf, StepPlan) or leaf.undo is None:
        return False
    return step.outcome in ("ok", "unknown")


def is_eligible(turn: Turn, name: str) -> bool:
    """Whether this step is to be undone: it can be, and lies in the scope of the compensation."""
    scope = turn.state.scope
    return (scope is None or name in scope) and is_undoable(turn, name)


def is_settled(turn: Turn, name: str) -> bool:
    """Whether nothing more is to be undone here."""
    return turn.phase(name) in UNDO_SETTLED or not is_eligible(turn, name)


def open_undos(turn: Turn) -> list[str]:
    """Eligible steps that are not settled, newest begin first, and each before what it came after.

    A late success of a lost attempt may be told before the steps that the flow puts before it have begun again.
    """

    def place(name: str) -> tuple[int, int, int]:
        before = turn.topology.before[name]
        order = turn.step(name).order
        return max(order, *(turn.step(other).order for other in before), 0), len(before), order

    names = [name for name in turn.state.steps if not is_settled(turn, name)]
    return sorted(names, key=place, reverse=True)


def ready_undos(turn: Turn) -> Iterator[StepPlan]:
    """Steps whose undo may begin now: theirs is open, and everything that depended on them is settled."""
    unsettled = open_undos(turn)
    for position, name in enumerate(unsettled):
        if not _may_begin(turn, name):
            continue
        if not _waits(turn, name, unsettled, position):
            yield turn.topology.step(name)


def undo_waves(turn: Turn) -> Iterator[list[str]]:
    """In which order all open undos will be made if each succeeds; those of one wave at the same time."""
    unsettled: list[str] = open_undos(turn)
    while unsettled:
        wave: list[str] = [
            name for position, name in enumerate(unsettled) if not _waits(turn, name, unsettled, position)
        ]
        yield wave
        unsettled = [name for name in unsettled if name not in wave]


def _waits(turn: Turn, name: str, unsettled: list[str], position: int) -> bool:
    rivals = unsettled[:position] if turn.plan.unwind == "serial" else turn.topology.dependents[name]
    return any(other in rivals for other in unsettled)


def _may_begin(turn: Turn, name: str) -> bool:
    phase = turn.phase(name)
    rested = phase is Phase.UNDO_RESTING and not turn.is_set(turn.pause(name, "undo"))
    return (phase in UNDOABLE or rested) and not turn.is_fenced(name)


def begin_undo(turn: Turn, leaf: StepPlan) -> None:
    """Begin the next attempt of an undo."""
    step = turn.move(leaf.id, Move.UNDO)
    step.undo_attempt += 1
    turn.perform(leaf, "undo", step.undo_attempt)


def leave_open_undos(turn: Turn) -> None:
    """Give up every open undo that is not under way; those under way are left when they fail."""
    for name in open_undos(turn):
        if turn.phase(name) is not Phase.UNDOING and turn.accepts(name, Move.LEAVE):
            turn.move(name, Move.LEAVE)
            turn.clear_timers_of(name)
