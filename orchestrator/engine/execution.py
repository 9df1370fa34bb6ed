"""One execution of a saga as a pure state machine: told what happened, it says what to do next.

It knows neither time, network, Temporal nor RabbitMQ. Everything it knows is in `state`, which JSON can carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, assert_never

from pydantic import TypeAdapter

from orchestrator.contracts.protocol import idempotency_key
from orchestrator.engine import operators, outcomes
from orchestrator.engine.advancing import advance, has_passed
from orchestrator.engine.arrivals import arrived, elapsed, settle_waiting_abort
from orchestrator.engine.effects import End, Park, Perform
from orchestrator.engine.signals import (
    Arrived,
    Elapsed,
    Failed,
    Lost,
    OperatorSignal,
    Refused,
    Stalled,
    Started,
    Succeeded,
    Withdrawn,
)
from orchestrator.engine.states import Phase, State, StepState
from orchestrator.engine.statuses import forward_status, undo_status, word
from orchestrator.engine.turn import SAGA_TIMER, Turn, call_of
from orchestrator.engine.unwinding import has_fenced_doubt, has_work_in_flight, open_undos, unwind
from orchestrator.errors import IllegalSignalError, ReplayMismatchError

if TYPE_CHECKING:
    from orchestrator.engine.effects import Effect
    from orchestrator.engine.signals import Direction, Operator, Signal
    from orchestrator.engine.statuses import Forward, Undo, Word
    from orchestrator.saga.plan import CallPlan, Plan


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: what was told, and why it was ignored (empty: it was taken)."""

    revision: int
    signal: Signal
    ignored: str = ""


class Execution:
    """One execution. `receive` is the only way to change it.

    Attributes:
        plan: the plan it began with.
        state: everything it knows.
        journal: what it was told since it was begun or restored; folding it from the same start gives the same state.
    """

    __slots__ = ("journal", "plan", "state")

    def __init__(self, plan: Plan, state: State) -> None:
        self.plan = plan
        self.state = state
        self.journal: list[Entry] = []

    @classmethod
    def begin(cls, plan: Plan, execution_id: str) -> Execution:
        """A fresh execution that waits for `Started`."""
        return cls(plan, State(execution_id=execution_id, plan=plan.content_hash))

    @classmethod
    def restore(cls, plan: Plan, stored: Any) -> Execution:
        """The execution whose `dump` this is.

        Raises:
            ReplayMismatchError: it began with another plan, and an execution keeps its own.
        """
        state = _state_adapter().validate_python(stored)
        if state.plan != plan.content_hash:
            raise ReplayMismatchError(execution=state.execution_id, began_with=state.plan, plan=plan.content_hash)
        return cls(plan, state)

    def dump(self) -> Any:
        """The whole state as JSON values."""
        return _state_adapter().dump_python(self.state, mode="json")

    def copy(self) -> Execution:
        """An independent copy without the journal, to try things on."""
        return Execution(self.plan, self.state.copied())

    def receive(self, signal: Signal) -> tuple[Effect, ...]:
        """Take one signal and say what to do now, in this order.

        Raises:
            IllegalSignalError: the signal cannot happen here: unknown step, second start, anything before the start.
        """
        self._check_order(signal)
        turn = Turn(self.plan, self.state)
        ignored = _take(turn, signal)
        self.state.revision += 1
        self.journal.append(Entry(self.state.revision, signal, ignored))
        if not ignored:
            _settle(turn)
        return tuple(turn.effects)

    def conclude(self) -> tuple[Effect, ...]:
        """What follows from the state as it is; nothing, unless `lookahead` moved a step by hand on a copy."""
        turn = Turn(self.plan, self.state)
        _settle(turn)
        return tuple(turn.effects)

    def _check_order(self, signal: Signal) -> None:
        if self.state.started == isinstance(signal, Started):
            phase = "started" if self.state.started else "not started"
            raise IllegalSignalError(step=self.state.execution_id, phase=phase, signal=type(signal).__name__)

    @property
    def forward(self) -> Forward:
        """How far the forward way is."""
        return forward_status(Turn(self.plan, self.state))

    @property
    def undo(self) -> Undo:
        """How far the way back is."""
        return undo_status(Turn(self.plan, self.state))

    @property
    def word(self) -> Word:
        """The one word that lists show."""
        return word(Turn(self.plan, self.state))

    def objection(self, command: Operator) -> str:
        """Why an operator's command is not allowed now; empty if it is."""
        return operators.objection(Turn(self.plan, self.state), command)

    def step(self, name: str) -> StepState:
        """Where a step stands; a fresh state if it has not begun."""
        return self.state.steps.get(name) or StepState()

    def key(self, step: str, direction: Direction) -> str:
        """Idempotency key of a step's calls: the same for every attempt, different for every call (invariant 10)."""
        edition = self.step(step).edition
        round_ = "1" if edition == 0 else f"1.{edition}"
        return idempotency_key(self.state.execution_id, step, direction, round_)

    def facts_for(self, step: str, call: CallPlan) -> dict[str, Any]:
        """The facts that a call takes, as known now; those a person edited come first."""
        known = {**self.state.facts, **self.step(step).edited}
        return {need.fact: known[need.fact] for need in call.needs if need.fact in known}

    def gives(self, step: str) -> str | None:
        """Name of the fact that a step's forward call gives, and its probe in its place."""
        return Turn(self.plan, self.state).topology.step(step).do.gives

    def within_ms(self, step: str) -> int:
        """Limit of one attempt of a step, milliseconds."""
        return Turn(self.plan, self.state).topology.step(step).within_ms

    def pending(self) -> tuple[Perform, ...]:
        """Attempts that were begun and have no outcome: what must be carried over when a worker takes up a state."""
        turn = Turn(self.plan, self.state)
        steps = _steps_of(turn)
        return tuple(
            _performing(turn, name, _IN_FLIGHT[step.phase])
            for name, step in self.state.steps.items()
            if step.phase in _IN_FLIGHT and name in steps
        )


_IN_FLIGHT: dict[Phase, Direction] = {Phase.DOING: "do", Phase.PROBING: "probe", Phase.UNDOING: "undo"}


def _steps_of(turn: Turn) -> set[str]:
    return {name for name, leaf in turn.topology.leaves.items() if leaf.kind == "step"}


def _performing(turn: Turn, name: str, direction: Direction) -> Perform:
    plan, step = turn.topology.step(name), turn.step(name)
    attempt = step.undo_attempt if direction == "undo" else step.attempt
    is_pivot = plan.phase == "pivot" and direction == "do"
    return Perform(step=name, direction=direction, attempt=attempt, call=call_of(plan, direction), is_pivot=is_pivot)


AFTER_END = "it came after the end"


def _take(turn: Turn, signal: Signal) -> str:
    if turn.state.ended and not isinstance(signal, OperatorSignal | Arrived):
        return AFTER_END
    match signal:
        case Started():
            return _start(turn, signal)
        case Succeeded():
            return outcomes.succeeded(turn, signal)
        case Refused():
            return outcomes.refused(turn, signal)
        case Failed():
            return outcomes.failed(turn, signal)
        case Stalled():
            return outcomes.stalled(turn, signal)
        case Withdrawn():
            return outcomes.withdrawn(turn, signal)
        case Lost():
            return outcomes.lost(turn, signal)
        case Arrived():
            return arrived(turn, signal.event)
        case Elapsed():
            return elapsed(turn, signal.timer)
        case OperatorSignal():
            return operators.operate(turn, signal)
        case _:
            assert_never(signal)


def _start(turn: Turn, signal: Started) -> str:
    state = turn.state
    state.started = True
    state.seen[signal.trigger.identity] = signal.trigger.body_hash
    state.facts[turn.plan.trigger.gives] = signal.trigger.payload
    if turn.plan.within_ms is not None:
        turn.set_timer(SAGA_TIMER, turn.plan.within_ms)
    return ""


def _settle(turn: Turn) -> None:
    """Do what follows from the state alone: go on, go back, or end."""
    if turn.state.ended:
        return
    settle_waiting_abort(turn)
    if turn.state.is_unwinding:
        unwind(turn)
    elif not turn.state.suspended:
        advance(turn)
    if not turn.state.is_unwinding and has_passed(turn, turn.plan.root):
        turn.state.completed = True
    if _is_over(turn):
        _end(turn)


def _is_over(turn: Turn) -> bool:
    if has_fenced_doubt(turn):
        return False
    if turn.state.is_unwinding:
        return not has_work_in_flight(turn) and not open_undos(turn)
    return turn.state.completed


def _end(turn: Turn) -> None:
    state = turn.state
    state.ended = True
    state.suspended = False
    for event in state.held:
        turn.effects.append(Park(event, "held-at-end", "the execution ended before a step wanted it"))
    state.held.clear()
    for timer in list(state.timers):
        turn.clear_timer(timer)
    turn.effects.append(End(word(turn)))


@cache
def _state_adapter() -> TypeAdapter[State]:
    return TypeAdapter(State)
