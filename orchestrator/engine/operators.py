"""What a person may do, when, and what it changes. `objection` is the one place that says no, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from orchestrator.engine.arrivals import PAST_PIVOT, abort_unless_pivot_open, open_pivots, past_pivot
from orchestrator.engine.effects import Park
from orchestrator.engine.outcomes import TAKEN
from orchestrator.engine.signals import (
    AbandonRequested,
    CancelRequested,
    CompensateRequested,
    MarkDoneRequested,
    ReleaseRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    SuspendRequested,
)
from orchestrator.engine.states import Abort, Move, Phase
from orchestrator.saga.plan import StepPlan

if TYPE_CHECKING:
    from orchestrator.engine.signals import Operator, ReceivedEvent
    from orchestrator.engine.turn import Turn

NOT_WAITING = "the step is neither parked nor stuck: there is nothing to decide"


def operate(turn: Turn, signal: Operator) -> str:
    """Carry out an operator's command, unless it was carried out before or there is an objection."""
    if signal.command_id in turn.state.commands:
        return "duplicate of a command already taken"
    refusal = objection(turn, signal)
    turn.state.commands.append(signal.command_id)
    if refusal:
        return f"refused: {refusal}"
    _carry_out(turn, signal)
    return TAKEN


def objection(turn: Turn, signal: Operator) -> str:
    """Why this command is not allowed now; empty if it is."""
    if not (signal.actor.strip() and signal.reason.strip()):
        return "it needs an actor and a reason"
    match signal:
        case CancelRequested():
            return _cancel_objection(turn)
        case CompensateRequested():
            return _compensate_objection(turn, signal)
        case RetryRequested() | SkipRequested():
            return "" if _waiting(turn, signal.step) else NOT_WAITING
        case MarkDoneRequested():
            return "" if turn.phase(signal.step) is Phase.STUCK else "only a stuck undo can be marked done"
        case AbandonRequested():
            return "" if turn.state.is_unwinding and not turn.state.ended else "nothing is being undone"
        case SuspendRequested():
            return _suspend_objection(turn)
        case ResumeRequested():
            return "" if turn.state.suspended or _waiting_steps(turn) else "nothing is suspended, parked or stuck"
        case ReleaseRequested():
            return "" if _released(turn, signal) else "no such events are held"
        case _:
            assert_never(signal)


def _cancel_objection(turn: Turn) -> str:
    if turn.state.completed or turn.state.ended:
        return "the execution has ended"
    return PAST_PIVOT if past_pivot(turn) else ""


def _compensate_objection(turn: Turn, signal: CompensateRequested) -> str:
    if signal.from_step is not None and not isinstance(turn.topology.leaves.get(signal.from_step), StepPlan):
        return f"there is no step {signal.from_step!r}"
    if open_pivots(turn):
        return "the pivot is under way: wait for its outcome"
    if past_pivot(turn) and not signal.override:
        return f"{PAST_PIVOT}; undoing it needs the override right"
    return ""


def _suspend_objection(turn: Turn) -> str:
    if turn.state.ended or (turn.state.completed and not turn.state.is_unwinding):
        return "the execution has ended"
    return "it is suspended already" if turn.state.suspended else ""


def _waiting(turn: Turn, name: str) -> bool:
    return turn.phase(name) in (Phase.PARKED, Phase.STUCK)


def _waiting_steps(turn: Turn) -> list[str]:
    return [name for name in turn.state.steps if _waiting(turn, name)]


def _carry_out(turn: Turn, signal: Operator) -> None:
    match signal:
        case CancelRequested():
            _cancel(turn, signal)
        case CompensateRequested():
            _compensate(turn, signal)
        case RetryRequested():
            _retry(turn, signal)
        case MarkDoneRequested():
            turn.move(signal.step, Move.UNDO_OK).undo_error = f"done by hand: {signal.evidence}"
        case SkipRequested():
            _skip(turn, signal)
        case AbandonRequested():
            turn.state.abandoned, turn.state.suspended = True, False
        case SuspendRequested():
            turn.state.suspended = True
        case ResumeRequested():
            _resume(turn)
        case ReleaseRequested():
            _release(turn, signal)
        case _:
            assert_never(signal)


def _cancel(turn: Turn, signal: CancelRequested) -> None:
    """Two cancels are one; the second neither replaces the first nor resumes what was suspended since."""
    waiting = turn.state.waiting_abort
    if turn.state.is_unwinding or (waiting is not None and waiting.reason == "cancel"):
        return
    turn.state.suspended = False
    abort_unless_pivot_open(turn, Abort("cancel", text=signal.reason, actor=signal.actor, code="cancelled"))


def _compensate(turn: Turn, signal: CompensateRequested) -> None:
    state = turn.state
    was_whole = state.is_unwinding and state.scope is None
    state.suspended = state.ended = state.abandoned = False
    if signal.from_step is None or was_whole:
        state.scope = None
    else:
        chosen = {signal.from_step, *turn.topology.dependents[signal.from_step], *(state.scope or ())}
        state.scope = sorted(chosen)
    if state.completed:
        state.compensating = True
        return
    cause = Abort("operator", step=signal.from_step or "", text=signal.reason, actor=signal.actor, code="compensated")
    abort_unless_pivot_open(turn, cause)


def _retry(turn: Turn, signal: RetryRequested) -> None:
    step = turn.step(signal.step)
    step.edited = {**step.edited, **signal.edited}
    _try_again(turn, signal.step)


def _try_again(turn: Turn, name: str) -> None:
    """Grant a fresh set of attempts. The next begins where it may: not while suspended, nor out of order."""
    step = turn.step(name)
    if step.phase is Phase.STUCK:
        step.undo_granted = step.undo_attempt
        turn.move(name, Move.UNDO_REST)
        return
    if step.outcome == "rejected":
        # The refusal belongs to the old key for ever; it had no effect, so a new key cannot do anything twice.
        step.edition += 1
        step.refused_upto = step.attempt
    step.granted = step.attempt
    turn.move(name, Move.REST)


def _skip(turn: Turn, signal: SkipRequested) -> None:
    if turn.phase(signal.step) is Phase.STUCK:
        turn.move(signal.step, Move.LEAVE)
        return
    # What it may have done stays known: an attempt in doubt is undone later, one that was never begun is not.
    turn.move(signal.step, Move.OK)
    plan = turn.topology.step(signal.step)
    if plan.do.gives is not None:
        turn.state.facts[plan.do.gives] = signal.result


def _resume(turn: Turn) -> None:
    turn.state.suspended = False
    for name in _waiting_steps(turn):
        _try_again(turn, name)


def _release(turn: Turn, signal: ReleaseRequested) -> None:
    for event in _released(turn, signal):
        turn.state.held.remove(event)
        turn.effects.append(Park(event, "released", f"released by {signal.actor}: {signal.reason}"))


def _released(turn: Turn, signal: ReleaseRequested) -> list[ReceivedEvent]:
    return [event for event in turn.state.held if signal.event_type in (None, event.type)]
