"""Events and timers: what comes from outside without being the outcome of an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.advancing import satisfy, take_held
from orchestrator.engine.effects import Alert, Park
from orchestrator.engine.outcomes import TAKEN, failed
from orchestrator.engine.signals import Failed
from orchestrator.engine.states import Abort, Move, Phase
from orchestrator.engine.turn import SAGA_TIMER, timer_kind, timer_step
from orchestrator.engine.unwinding import abort
from orchestrator.saga.plan import StepPlan, WaitPlan

if TYPE_CHECKING:
    from orchestrator.engine.signals import Direction, ReceivedEvent
    from orchestrator.engine.turn import Turn

DUPLICATE = "duplicate of an event already taken"
OTHER_CONTENT = "a message with this source and id came before, with other content"
PAST_PIVOT = "the point of no return is behind it: it can only go forward now"
SECOND_START = "the execution with this key was started by an event with other content"


def arrived(turn: Turn, event: ReceivedEvent) -> str:
    """Hold an event until a step wants it. Copies are ignored; what nothing can want is parked, never dropped."""
    known = turn.state.seen.get(event.identity)
    if known is not None:
        return _again(turn, event, known)
    # The trigger is the first event that was taken. One with its content is that start once more, whatever its id.
    starts_again = event.body_hash == next(iter(turn.state.seen.values()), None)
    turn.state.seen[event.identity] = event.body_hash
    if event.type == turn.plan.trigger.event:
        return DUPLICATE if starts_again else _park(turn, event, "second-start", SECOND_START)
    if turn.state.ended and turn.plan.on_completed == "ignore":
        return "came after the end"
    if turn.state.ended:
        return _park(turn, event, "ended", "the execution has ended")
    if not _is_wanted_type(turn, event.type):
        return _park(turn, event, "unwanted", f"no step waits for {event.type!r}")
    turn.state.held.append(event)
    return TAKEN


def _again(turn: Turn, event: ReceivedEvent, known: str) -> str:
    if known == event.body_hash:
        return DUPLICATE
    return _park(turn, event, "same-id-other-content", OTHER_CONTENT)


def _park(turn: Turn, event: ReceivedEvent, code: str, reason: str) -> str:
    turn.effects.append(Park(event, code, reason))
    return TAKEN


def _is_wanted_type(turn: Turn, event_type: str) -> bool:
    return any(isinstance(leaf, WaitPlan) and leaf.event == event_type for leaf in turn.topology.leaves.values())


def elapsed(turn: Turn, timer: str) -> str:
    """A timer ran out. One that is not set any more has no effect."""
    if timer not in turn.state.timers:
        return "the timer is not set"
    turn.state.timers.remove(timer)
    if timer == SAGA_TIMER:
        return _deadline(turn)
    kind, name = timer_kind(timer), timer_step(timer)
    if kind == "limit":
        return _limit_passed(turn, timer, name)
    if kind == "wait":
        return _wait_passed(turn, name)
    return TAKEN  # a pause or a fence is over: the next settling begins what waited for it


def _limit_passed(turn: Turn, timer: str, name: str) -> str:
    _, way, attempt, _ = timer.split(":", 3)
    direction: Direction = "undo" if way == "undo" else "probe" if way == "probe" else "do"
    reason = "no reply came in time"
    return failed(turn, Failed(step=name, direction=direction, attempt=int(attempt), reason=reason, retryable=False))


def _wait_passed(turn: Turn, name: str) -> str:
    leaf = turn.leaf(name)
    if not isinstance(leaf, WaitPlan):
        turn.move(name, Move.OK).outcome = "ok"
        return TAKEN
    # While it is suspended nothing takes what is held, but the event came in time all the same.
    event = take_held(turn, leaf)
    if event is not None or leaf.on_timeout == "continue":
        satisfy(turn, leaf, event)
    else:
        step = turn.move(name, Move.DROP)
        step.error = f"no {leaf.event} came in time"
        abort(turn, Abort("error", step=name, text=step.error, code="timeout"))
    return TAKEN


def _deadline(turn: Turn) -> str:
    cause = Abort("deadline", text="the saga's time is up", code="deadline")
    if past_pivot(turn) or open_pivots(turn):
        turn.effects.append(Alert("overdue", "", cause.text))
    if not past_pivot(turn):
        abort_unless_pivot_open(turn, cause)
    return TAKEN


def past_pivot(turn: Turn) -> bool:
    """Whether nobody may turn back any more: a pivot is done, or parked with nobody knowing what it did."""
    return any(turn.phase(name) is Phase.DONE or _is_in_doubt(turn, name) for name in _pivots(turn))


def _is_in_doubt(turn: Turn, name: str) -> bool:
    return turn.phase(name) is Phase.PARKED and turn.step(name).outcome == "unknown"


def open_pivots(turn: Turn) -> list[str]:
    """Pivots under way without a verdict: turning back waits for it."""
    return [name for name in _pivots(turn) if turn.phase(name) in _OPEN and turn.step(name).outcome == "unknown"]


_OPEN = frozenset({Phase.DOING, Phase.RESTING, Phase.PROBING})


def abort_unless_pivot_open(turn: Turn, cause: Abort) -> None:
    """Turn back now, or as soon as an open pivot turns out to be refused (express.md, 4)."""
    if open_pivots(turn):
        turn.state.waiting_abort = cause
    else:
        abort(turn, cause)


def _pivots(turn: Turn) -> list[str]:
    leaves = turn.topology.leaves.values()
    return [leaf.id for leaf in leaves if isinstance(leaf, StepPlan) and leaf.phase == "pivot"]


def settle_waiting_abort(turn: Turn) -> None:
    """Once the pivot has its verdict: refused has turned us back already; ok or in doubt means nobody turns back."""
    cause = turn.state.waiting_abort
    if cause is None or open_pivots(turn):
        return
    turn.state.waiting_abort = None
    if not past_pivot(turn):
        abort(turn, cause)
    elif cause.reason == "cancel":
        turn.effects.append(Alert("cancel_refused", "", f"{PAST_PIVOT}: {cause.text}"))
