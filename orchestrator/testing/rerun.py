"""A saga as it is defined today, given the answers that a real execution once got.

An answer is told to the attempt that it belongs to (step, direction, number), as soon as that is under way, and
otherwise in the order of the record. An attempt without a recorded answer stays open: nothing is made up. Time is the
record's. A timer that both definitions set alike runs out when the record says so; any other by its own length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

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
from orchestrator.engine.turn import timer_kind, timer_step
from orchestrator.messages import Message
from orchestrator.saga.plan import SleepPlan, leaves
from orchestrator.testing.walking import Input, Walk, ended_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.engine.effects import Perform
    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import Signal
    from orchestrator.saga.definition import Saga
    from orchestrator.saga.handlers import Handler

_OUTCOMES = (Succeeded, Refused, Failed, Stalled, Withdrawn)
PAUSES = ("retry", "fence")
IMPURE = "two calls with the same facts gave two messages: it must be pure"


@dataclass(frozen=True, slots=True)
class Told:
    """Something that an execution was told.

    Attributes:
        at_ms: when.
        is_proof: the outcome of an attempt that was not under way: a late one, or the proof of a lost attempt.
        lacks: why it cannot be told again, since the record does not have all of it; empty = it can.
    """

    signal: Signal
    at_ms: int
    is_proof: bool = False
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of it. `unused`: what was recorded and not told: nothing asked for it, or it was objected to."""

    walk: Walk
    unused: tuple[Told, ...]


def rerun(saga: Saga, execution_id: str, told: Sequence[Told], lengths: Mapping[str, int]) -> Rerun:
    """Run the saga with recorded answers.

    Args:
        saga: as it is defined today.
        execution_id: whose record it is.
        told: everything that the execution was told, in order.
        lengths: of the timers that the record set, milliseconds by name.
    """
    return _Rerun(saga, execution_id, told, lengths).run()


class _Rerun:
    def __init__(self, saga: Saga, execution_id: str, told: Sequence[Told], lengths: Mapping[str, int]) -> None:
        self._handlers = saga.handlers
        self._walk = Walk.of(saga.plan, execution_id, self._input)
        self._sleeps = {leaf.id for leaf in leaves(saga.plan.root) if isinstance(leaf, SleepPlan)}
        self._told = told
        self._lengths = lengths
        self._kept: list[Told] = []
        self._ahead: Sequence[Told] = told

    def run(self) -> Rerun:
        for number, one in enumerate(self._told):
            self._ahead = self._told[number:]
            self._let_pass(one.at_ms)
            if self._take(one):
                self._take_kept()
            else:
                self._kept.append(one)
        self._ahead = ()
        while (name := self._next_timer(self._is_certain)) is not None:
            self._ring(name)
        return Rerun(self._walk, tuple(self._kept))

    def _let_pass(self, until_ms: int) -> None:
        """Let those timers run out that the record does not speak of."""
        while (name := self._next_timer(self._is_own)) and self._walk.timers[name].due_ms <= until_ms:
            self._ring(name)

    def _next_timer(self, wanted: Any) -> str | None:
        due = sorted((timer.due_ms, name) for name, timer in self._walk.timers.items() if wanted(name))
        return due[0][1] if due else None

    def _ring(self, name: str) -> None:
        self._walk.tell(Elapsed(name), self._walk.timers[name].due_ms)
        self._take_kept()

    def _is_own(self, name: str) -> bool:
        """Whether it runs out by its own length; never, where that would say that something did not come."""
        if self._is_as_recorded(name):
            return False
        if timer_kind(name) == "limit":
            call, _, _ = ended_by(Elapsed(name))
            return any(ended_by(one.signal)[0] == call for one in (*self._kept, *self._ahead))
        if timer_kind(name) == "wait" and timer_step(name) not in self._sleeps:
            return name in self._lengths
        return True

    def _is_as_recorded(self, name: str) -> bool:
        return self._lengths.get(name) == self._walk.lengths[name]

    def _is_certain(self, name: str) -> bool:
        """Whether it runs out whatever else comes: a pause, a fence, a sleep."""
        return timer_kind(name) in PAUSES or timer_step(name) in self._sleeps

    def _take_kept(self) -> None:
        """Tell what was kept back, the oldest first, until nothing of it fits any more."""
        while (fits := next((one for one in self._kept if self._take(one)), None)) is not None:
            self._kept.remove(fits)

    def _take(self, one: Told) -> bool:
        """Tell it, if it fits now."""
        signal = None if one.lacks else self._fitting(one)
        if signal is None:
            return False
        self._walk.tell(signal, one.at_ms)
        return True

    def _fitting(self, one: Told) -> Signal | None:
        """What there is to tell now; None if it does not fit (yet)."""
        execution = self._walk.execution
        match one.signal:
            case Started() | Arrived():
                return one.signal
            case Lost(steps=steps):
                return replace(one.signal, steps=tuple(step for step in steps if step in self._steps()))
            case Elapsed(timer=timer):
                is_set = timer in self._walk.timers and self._is_as_recorded(timer)
                return one.signal if is_set else None
            case OperatorSignal() as command:
                return None if execution.objection(command) else command
            case _:
                return self._answer(one)

    def _answer(self, one: Told) -> Signal | None:
        call, _, _ = ended_by(one.signal)
        if call is None:
            return None
        perform, begun = self._walk.pending(call), self._walk.find(call)
        if perform is None or begun is None:
            return one.signal if one.is_proof and self._proves(one.signal) else None
        if begun.input.lacks:
            return None
        if not isinstance(one.signal, Succeeded) or perform.direction == "undo" or perform.call.lane == "publish":
            return one.signal
        return self._read(one.signal, perform)

    def _read(self, signal: Succeeded, perform: Perform) -> Signal | None:
        """The answer as today's code reads it."""
        begun = self._walk.find((perform.step, perform.direction, perform.attempt))
        try:
            return replace(signal, result=self._handlers[perform.call.handler].check_result(signal.result))
        except ValidationError as error:
            if begun is not None:
                begun.problem = f"the recorded answer does not fit: {in_words(error)}"
            return None

    def _proves(self, signal: Signal) -> bool:
        if getattr(signal, "step", "") not in self._steps():
            return False
        twin = self._walk.execution.copy()
        twin.receive(signal)
        return not twin.journal[-1].ignored

    def _steps(self) -> set[str]:
        return {leaf.id for leaf in leaves(self._walk.execution.plan.root) if leaf.kind == "step"}

    def _input(self, execution: Execution, perform: Perform) -> Input:
        """What today's code gives the call."""
        facts = execution.facts_for(perform.step, perform.call)
        if perform.call.message_type is None:
            return Input(value=facts)
        return built(self._handlers[perform.call.handler], facts)


def built(handler: Handler, facts: Mapping[str, Any]) -> Input:
    """The message that a function builds of these facts, or why it does not."""
    try:
        message, again = handler.build(facts), handler.build(facts)
    except ValidationError as error:
        return Input(type=handler.message_type or "", lacks=f"it cannot be built: {in_words(error)}")
    except Exception as error:  # noqa: BLE001 - an author's function may raise anything; what it raises is the answer
        return Input(type=handler.message_type or "", lacks=f"it cannot be built: {type(error).__name__}: {error}")
    if message != again:
        return Input(type=message.message_type, lacks=IMPURE)
    return Input(type=message.message_type, value=content_of(message))


def content_of(message: Message) -> Any:
    """A message's content as JSON values, as it travels."""
    return message.model_dump(mode="json")


def in_words(error: ValidationError) -> str:
    """What does not fit, without the values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found)
