"""What the outcome of an attempt means for its step: done, refused, tried again, in doubt, parked or stuck.

Each function returns an empty text when the signal was taken, else why it was ignored; that goes into the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.effects import Alert
from orchestrator.engine.states import Abort, Move, Phase, was_not_begun_here
from orchestrator.engine.turn import retry_of
from orchestrator.engine.unwinding import abort

if TYPE_CHECKING:
    from orchestrator.engine.signals import Failed, Lost, Refused, Stalled, Succeeded, Withdrawn
    from orchestrator.engine.states import StepState
    from orchestrator.engine.turn import Turn
    from orchestrator.saga.plan import StepPlan

LATE = "late: the step has its outcome already"
OLD = "of an older attempt"
OLD_KEY = "of an older key: it was refused, and the step goes on under a new one"
TAKEN = ""


def succeeded(turn: Turn, signal: Succeeded) -> str:
    """`ok` belongs to the key: it counts whatever attempt it names (express.md, 12)."""
    plan = turn.topology.step(signal.step)
    if signal.direction == "undo":
        return _undone(turn, signal.step)
    if signal.attempt <= turn.step(signal.step).refused_upto:
        return OLD_KEY
    if not turn.accepts(signal.step, Move.OK) or turn.step(signal.step).outcome == "rejected":
        return LATE
    turn.clear_timers_of(signal.step)
    step = turn.move(signal.step, Move.OK)
    step.outcome, step.error = "ok", ""
    turn.count_begin(step)
    if plan.do.gives is not None:
        turn.state.facts[plan.do.gives] = signal.result
    return TAKEN


def _undone(turn: Turn, name: str) -> str:
    if not turn.accepts(name, Move.UNDO_OK):
        return LATE
    turn.clear_timers_of(name)
    turn.move(name, Move.UNDO_OK).undo_error = ""
    return TAKEN


def refused(turn: Turn, signal: Refused) -> str:
    """`rejected` belongs to the key too. Forward it turns the saga back, or parks it behind the pivot."""
    plan, step = turn.topology.step(signal.step), turn.step(signal.step)
    if signal.direction == "undo":
        return _undo_refused(turn, plan, signal)
    if signal.attempt <= step.refused_upto:
        return OLD_KEY
    if signal.direction == "probe" and signal.attempt != step.attempt:
        return OLD  # it looked before the latest attempt began, which may have had its effect since
    if not turn.accepts(signal.step, Move.REFUSE) or step.outcome == "rejected":
        return LATE
    turn.clear_timers_of(signal.step)
    step.outcome, step.error = "rejected", signal.reason
    if plan.phase == "retriable" and turn.state.abort is None:
        return TAKEN if step.phase is Phase.PARKED else _park(turn, plan, signal.reason)
    turn.move(signal.step, Move.REFUSE)
    abort(turn, Abort("step", step=plan.id, text=signal.reason, code=signal.code))
    return TAKEN


def _undo_refused(turn: Turn, plan: StepPlan, signal: Refused | Stalled) -> str:
    """A refused undo is stored nowhere, so it speaks for its own attempt only; so does one that has no code."""
    step = turn.step(plan.id)
    if signal.attempt != step.undo_attempt:
        return OLD
    return _undo_gave_up(turn, plan, signal.reason) if step.phase is Phase.UNDOING else LATE


def failed(turn: Turn, signal: Failed) -> str:
    """An attempt without a verdict: try again by policy, else its outcome is unknown. Older attempts are fenced."""
    plan, step = turn.topology.step(signal.step), turn.step(signal.step)
    if signal.direction == "undo":
        return _undo_failed(turn, plan, signal)
    if signal.attempt != step.attempt:
        return OLD
    if signal.direction == "probe":
        return _in_doubt(turn, plan, signal) if step.phase is Phase.PROBING else LATE
    if step.phase is not Phase.DOING:
        return LATE
    turn.clear_timers_of(plan.id)
    turn.fence(plan.id, signal.fence_ms)
    step.error = signal.reason
    # A time-out is final for a step that can be undone; at and after the pivot the only way is forward.
    again = signal.retryable or plan.phase != "compensatable"
    if again and turn.state.abort is None and _policy_allows(turn, plan, step):
        turn.move(plan.id, Move.REST)
        turn.rest(plan, "do")
        return TAKEN
    return _in_doubt(turn, plan, signal)


def _policy_allows(turn: Turn, plan: StepPlan, step: StepState) -> bool:
    return retry_of(plan, "do").allows(step.attempt + 1 - step.granted) and not turn.state.is_unwinding


def _in_doubt(turn: Turn, plan: StepPlan, signal: Failed) -> str:
    step = turn.step(plan.id)
    if plan.probe is not None and step.phase is not Phase.PROBING:
        turn.move(plan.id, Move.ASK)
        turn.perform(plan, "probe", step.attempt)
        return TAKEN
    turn.clear_timers_of(plan.id)
    if plan.phase != "compensatable" and turn.state.abort is None:
        return _park(turn, plan, signal.reason)
    turn.move(plan.id, Move.DOUBT)
    abort(turn, Abort("error", step=plan.id, text=signal.reason, code="unknown"))
    return TAKEN


def _undo_failed(turn: Turn, plan: StepPlan, signal: Failed) -> str:
    step = turn.step(plan.id)
    if signal.attempt != step.undo_attempt:
        return OLD
    if step.phase is not Phase.UNDOING:
        return LATE
    if not turn.state.abandoned and plan.undo_retry.allows(step.undo_attempt + 1 - step.undo_granted):
        turn.clear_timers_of(plan.id)
        step.undo_error = signal.reason
        turn.move(plan.id, Move.UNDO_REST)
        turn.rest(plan, "undo")
        return TAKEN
    return _undo_gave_up(turn, plan, signal.reason)


def _undo_gave_up(turn: Turn, plan: StepPlan, reason: str) -> str:
    turn.clear_timers_of(plan.id)
    turn.step(plan.id).undo_error = reason
    if turn.state.abandoned:
        turn.move(plan.id, Move.LEAVE)
        return TAKEN
    turn.move(plan.id, Move.UNDO_FAIL)
    turn.effects.append(Alert("stuck", plan.id, reason))
    return TAKEN


def _park(turn: Turn, plan: StepPlan, reason: str) -> str:
    turn.move(plan.id, Move.PARK).error = reason
    turn.effects.append(Alert("parked", plan.id, reason))
    return TAKEN


def stalled(turn: Turn, signal: Stalled) -> str:
    """No worker has code for the attempt: it was not begun, and waits for a person (or the missing worker)."""
    plan, step = turn.topology.step(signal.step), turn.step(signal.step)
    if signal.direction == "undo":
        return _undo_refused(turn, plan, signal)
    if not _is_in_flight(step, signal):
        return LATE
    turn.clear_timers_of(plan.id)
    if signal.direction == "do":
        _unbegin(step)
    if turn.state.abort is not None:
        turn.move(plan.id, Move.DOUBT if step.outcome == "unknown" else Move.DROP)
        return TAKEN
    return _park(turn, plan, signal.reason)


def _is_in_flight(step: StepState, signal: Stalled | Withdrawn) -> bool:
    phase = Phase.PROBING if signal.direction == "probe" else Phase.DOING
    return step.phase is phase and signal.attempt == step.attempt


def _unbegin(step: StepState) -> None:
    """The latest attempt was not begun; an earlier one may have had an effect all the same."""
    step.outcome = step.earlier
    if step.outcome == "none":
        step.order = 0


def withdrawn(turn: Turn, signal: Withdrawn) -> str:
    """The attempt was not begun, because the execution turned back first."""
    name = turn.topology.step(signal.step).id
    step = turn.step(name)
    if not turn.state.is_unwinding or not _is_in_flight(step, signal):
        return LATE
    turn.clear_timers_of(name)
    if signal.direction == "do":
        _unbegin(step)
    turn.move(name, Move.DOUBT if step.outcome == "unknown" else Move.DROP)
    return TAKEN


def lost(turn: Turn, signal: Lost) -> str:
    """Steps that a lost attempt may have begun count as begun, outcome unknown (semantics.md, Lost runs)."""
    for name in signal.steps:
        turn.topology.step(name)
        # Asked for again, or parked for want of code here: the lost attempt may be at it, and its number stays.
        stays = turn.phase(name) is Phase.RESTING or was_not_begun_here(turn.step(name))
        if not (stays or turn.accepts(name, Move.LOSE)):
            continue
        step = turn.step(name) if stays else turn.move(name, Move.LOSE)
        step.outcome = "unknown"
        turn.count_begin(step)
        if not stays:
            # It counts as an attempt, though the policy does not: what begins later is never taken for the first one.
            step.attempt += 1
            step.granted += 1
        turn.fence(name, signal.fence_ms)
    return TAKEN
