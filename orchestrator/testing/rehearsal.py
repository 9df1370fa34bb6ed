"""Rehearse a saga: you play broker, participants and clock; the real engine decides. Nothing leaves the process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_jsonable_python

from orchestrator.engine.effects import Alert, CancelAttempt, ClearTimer, End, Park, Perform, SetTimer
from orchestrator.engine.execution import Execution
from orchestrator.engine.signals import (
    Arrived,
    CancelRequested,
    Elapsed,
    Failed,
    ReceivedEvent,
    Refused,
    Started,
    Succeeded,
)
from orchestrator.errors import RehearsalError
from orchestrator.messages import short_hash
from orchestrator.saga.handlers import Handlers
from orchestrator.saga.plan import WaitPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from orchestrator.engine.effects import Effect
    from orchestrator.engine.signals import Signal
    from orchestrator.messages import Event, Message
    from orchestrator.saga.definition import Saga
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.plan import Plan


@dataclass(frozen=True, slots=True)
class Send:
    """A command that would be sent."""

    command: Message
    to: str


@dataclass(frozen=True, slots=True)
class Publish:
    """An event that would be published."""

    event: Message


@dataclass(frozen=True, slots=True)
class Act:
    """An action that would be run, by name."""

    action: str
    direction: Literal["do", "undo", "probe"] = "do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where the execution stands; see `orchestrator.engine.statuses`."""

    word: str
    forward: str
    undo: str


def rehearse(saga: Saga, *, given: Event) -> Rehearsal:
    """Begin a rehearsal of `saga`, started by the event `given`."""
    return Rehearsal(saga, given)


class Rehearsal:
    """One execution that you drive by hand, in virtual time.

    Attributes:
        parked: events that the execution could not use, with the reason. `alerts`: what people would be told.
    """

    def __init__(self, saga: Saga, given: Event) -> None:
        if not isinstance(given, saga.starts_on):
            raise RehearsalError(f"{saga.name} starts on {saga.starts_on.__name__}, not {type(given).__name__}")
        self._handlers = Handlers.of([saga.handlers])
        payload = to_jsonable_python(given)
        self._execution = Execution.begin(saga.plan, saga.plan.execution_id(str(payload[saga.plan.trigger.key])))
        self._now_ms = 0
        self._timers: dict[str, int] = {}
        self._open: list[Perform] = []
        self._events = 0
        self.parked: list[Park] = []
        self.alerts: list[Alert] = []
        self._tell(Started(self._received(given)))

    @property
    def plan(self) -> Plan:
        """The plan that is rehearsed."""
        return self._execution.plan

    @property
    def status(self) -> Status:
        """Where it stands."""
        execution = self._execution
        return Status(word=execution.word, forward=execution.forward, undo=execution.undo)

    def next(self) -> list[Send | Publish | Act]:
        """What waits for an answer now, in the order in which it was begun."""
        return [self._shown(perform) for perform in self._open]

    def replies(self, answer: BaseModel) -> None:
        """The open call whose reply or result is of this type succeeds with it."""
        made = [one for one in self._open if self._handlers[one.call.handler].function.fact_type is type(answer)]
        if not made:
            raise RehearsalError(f"nothing open gives {type(answer).__name__}; open are: {self._names()}")
        self._answer(made[0], to_jsonable_python(answer))

    def succeeds(self, function: AnyFunction) -> None:
        """The open call of this function succeeds and gives nothing: an undo, or a publish."""
        self._answer(self._find(function), None)

    def rejects(self, function: AnyFunction, reason: str, *, code: str = "rejected") -> None:
        """The open call of this function says that it made no effect and will make none."""
        one = self._find(function)
        self._close(one)
        self._tell(Refused(step=one.step, direction=one.direction, attempt=one.attempt, code=code, reason=reason))

    def fails(self, function: AnyFunction, reason: str) -> None:
        """The attempt fails without a verdict; its policy decides whether it is tried again."""
        one = self._find(function)
        self._close(one)
        self._tell(Failed(step=one.step, direction=one.direction, attempt=one.attempt, reason=reason))

    def times_out(self, function: AnyFunction) -> None:
        """No answer comes within the limit of the attempt: nobody knows what it did."""
        one = self._find(function)
        self._close(one)
        told = Failed(step=one.step, direction=one.direction, attempt=one.attempt, reason="timed out", retryable=False)
        self._tell(told)

    def happens(self, event: Event, *, sequence: str = "") -> None:
        """An event for this execution comes in; one that it cannot use is `parked`.

        Raises:
            RehearsalError: its key names another execution, which the relay would hand it to.
        """
        self._check_key(event)
        self._tell(Arrived(self._received(event, sequence)))

    def after(self, length: timedelta) -> None:
        """Let time pass; what falls due on the way happens at its time.

        Raises:
            RehearsalError: time does not go back.
        """
        if length < timedelta(0):
            raise RehearsalError(f"{length} is less than none: time does not go back")
        until = self._now_ms + int(length.total_seconds() * 1000)
        while due := sorted((at, name) for name, at in self._timers.items() if at <= until):
            self._now_ms, name = due[0]
            del self._timers[name]
            self._tell(Elapsed(name))
        self._now_ms = until

    def cancel(self, reason: str = "rehearsed") -> None:
        """An operator cancels."""
        self._events += 1
        self._tell(CancelRequested(command_id=f"cancel-{self._events}", actor="rehearsal", reason=reason))

    def _check_key(self, event: Event) -> None:
        payload: Any = to_jsonable_python(event)
        waits = (leaf for leaf in leaves(self.plan.root) if isinstance(leaf, WaitPlan))
        for key in sorted({wait.key for wait in waits if wait.event == event.message_type}):
            meant = self.plan.execution_id(str(payload[key]))
            if meant != self._execution.state.execution_id:
                raise RehearsalError(f"this event is for {meant}, not for {self._execution.state.execution_id}")

    def _received(self, event: Event, sequence: str = "") -> ReceivedEvent:
        self._events += 1
        body = event.model_dump_json()
        return ReceivedEvent(
            identity=f"event-{self._events}",
            body_hash=short_hash(event.message_type, body),
            type=event.message_type,
            payload=to_jsonable_python(event),
            sequence=sequence,
            message_id=f"event-{self._events}",
        )

    def _tell(self, signal: Signal) -> None:
        self._take(self._execution.receive(signal))
        self._open = [one for one in self._open if one in self._execution.pending()]

    def _take(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Perform():
                    self._open.append(effect)
                case SetTimer():
                    self._timers[effect.timer] = self._now_ms + effect.after_ms
                case ClearTimer():
                    self._timers.pop(effect.timer, None)
                case Park():
                    self.parked.append(effect)
                case Alert():
                    self.alerts.append(effect)
                case CancelAttempt() | End():
                    pass  # asking changes nothing by itself; the end shows in the status

    def _shown(self, perform: Perform) -> Send | Publish | Act:
        handler = self._handlers[perform.call.handler]
        if perform.call.lane in ("brief", "durable"):
            return Act(handler.function.name, perform.direction)
        facts = self._execution.facts_for(perform.step, perform.call)
        message = handler.build(facts)
        if message != handler.build(facts):
            raise RehearsalError(f"{handler.function.name}() gave two messages for the same facts: it must be pure")
        return Send(message, perform.call.participant) if perform.call.participant else Publish(message)

    def _find(self, function: AnyFunction) -> Perform:
        for one in self._open:
            if self._handlers[one.call.handler].function is function:
                return one
        raise RehearsalError(f"{function.name}() is not open; open are: {self._names()}")

    def _names(self) -> str:
        return ", ".join(self._handlers[one.call.handler].function.name for one in self._open) or "none"

    def _answer(self, one: Perform, result: Any) -> None:
        self._close(one)
        self._tell(Succeeded(step=one.step, direction=one.direction, attempt=one.attempt, result=result))

    def _close(self, one: Perform) -> None:
        self._open.remove(one)
