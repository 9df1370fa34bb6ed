"""An execution that is walked through again, signal by signal, and everything that it begins on the way.

The engine alone decides; nothing leaves the process. What each call is given is asked of `inputs`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orchestrator.engine.effects import ClearTimer, Park, Perform, SetTimer
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import Elapsed, Failed, Refused, Stalled, Succeeded, Withdrawn
from orchestrator.engine.turn import timer_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.signals import Direction, Signal
    from orchestrator.saga.plan import Plan

Call: TypeAlias = tuple[str, "Direction", int]
"""An attempt: step, direction, number."""
End: TypeAlias = Literal["", "ok", "rejected", "unknown", "not_begun"]
"""How an attempt ended; empty = it is open."""
_ENDS: dict[type[Any], End] = {
    Succeeded: "ok",
    Refused: "rejected",
    Failed: "unknown",
    Stalled: "not_begun",
    Withdrawn: "not_begun",
}


@dataclass(frozen=True, slots=True)
class Input:
    """What a call is given: a message, or the facts of an action.

    Attributes:
        type: of the message; empty for an action.
        value: as JSON values.
        lacks: why the value is not known; empty = it is.
    """

    type: str = ""
    value: Any = None
    lacks: str = ""


@dataclass(slots=True, kw_only=True)
class Begun:
    """One attempt that was begun, and what became of it. `problem`: why the recorded answer was not told."""

    step: str
    direction: Direction
    attempt: int
    input: Input
    end: End = ""
    code: str = ""
    reason: str = ""
    problem: str = ""

    @property
    def call(self) -> Call:
        """Its name."""
        return self.step, self.direction, self.attempt


@dataclass(slots=True)
class Timer:
    """When it falls due, and how long it was set for, both milliseconds."""

    due_ms: int
    after_ms: int


@dataclass(slots=True)
class Walk:
    """One execution while it is told.

    Attributes:
        begun: every attempt, in the order of begins. `parked`: type and code of each event that it could not use.
        timers: those that are set. `lengths`: how long each that was ever set was set for.
    """

    execution: Execution
    inputs: Callable[[Execution, Perform], Input]
    now_ms: int = 0
    begun: list[Begun] = field(default_factory=list[Begun])
    parked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    timers: dict[str, Timer] = field(default_factory=dict[str, Timer])
    lengths: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(cls, plan: Plan, execution_id: str, inputs: Callable[[Execution, Perform], Input]) -> Walk:
        """A fresh one."""
        return cls(Execution.begin(plan, execution_id), inputs)

    def tell(self, signal: Signal, at_ms: int) -> str:
        """Tell it something; why the engine ignored it, empty if it took it."""
        self.now_ms = max(self.now_ms, at_ms)
        if isinstance(signal, Elapsed):
            self.timers.pop(signal.timer, None)
        effects = self.execution.receive(signal)
        ignored = self.execution.journal[-1].ignored
        if not ignored:
            self._settle(signal)
        for effect in effects:
            match effect:
                case Perform():
                    self._begin(effect)
                case SetTimer():
                    self.timers[effect.timer] = Timer(self.now_ms + effect.after_ms, effect.after_ms)
                    self.lengths[effect.timer] = effect.after_ms
                case ClearTimer():
                    self.timers.pop(effect.timer, None)
                case Park():
                    self.parked.append((effect.event.type, effect.code))
                case _:
                    pass  # alerts, requests to stop and the end change nothing here
        return ignored

    def find(self, call: Call) -> Begun | None:
        """An attempt that was begun; the last, if a person had it made again under its number."""
        return next((one for one in reversed(self.begun) if one.call == call), None)

    def waits_for(self, call: Call) -> bool:
        """Whether this attempt is under way."""
        return self.pending(call) is not None

    def pending(self, call: Call) -> Perform | None:
        """This attempt, if it is under way."""
        return next((one for one in self.execution.pending() if (one.step, one.direction, one.attempt) == call), None)

    @property
    def open(self) -> tuple[Begun, ...]:
        """Attempts that wait for an answer."""
        return tuple(one for one in self.begun if not one.end and self.waits_for(one.call))

    def _begin(self, perform: Perform) -> None:
        given = self.inputs(self.execution, perform)
        self.begun.append(Begun(step=perform.step, direction=perform.direction, attempt=perform.attempt, input=given))

    def _settle(self, signal: Signal) -> None:
        call, code, reason = ended_by(signal)
        found = self.find(call) if call else None
        if found is not None:
            found.end, found.code, found.reason = _ENDS.get(type(signal), "unknown"), code, reason


def ended_by(signal: Signal) -> tuple[Call | None, str, str]:
    """The attempt that a signal ends, with code and reason; None, if it ends none."""
    match signal:
        case Elapsed(timer=timer) if timer_kind(timer) == "limit":
            _, way, attempt, step = timer.split(":", 3)
            direction: Direction = "undo" if way == "undo" else "probe" if way == "probe" else "do"
            return (step, direction, int(attempt)), "", "no reply came in time"
        case Succeeded() | Refused() | Failed() | Stalled() | Withdrawn():
            call = (signal.step, signal.direction, signal.attempt)
            return call, getattr(signal, "code", ""), getattr(signal, "reason", "")
        case _:
            return None, "", ""
