"""The saga itself: a named, versioned flow. An immutable value; nothing registers itself."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import SagaDefinitionError
from orchestrator.messages import snake_case
from orchestrator.saga.checks import Checker
from orchestrator.saga.compiling import Compiler, fact_of, handler_name
from orchestrator.saga.flow import Parallel, Sequence, Step, Wait
from orchestrator.saga.handlers import Handler
from orchestrator.saga.plan import Plan, TriggerPlan
from orchestrator.saga.retry import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.messages import Event
    from orchestrator.saga.flow import Part
    from orchestrator.saga.functions import AnyFunction

COMPENSATION_WINDOW = timedelta(days=30)


class Saga:
    """A saga: what starts it, the field that names its executions, and its parts in order.

    Args:
        name: lower case with dashes, as `fulfil-order`.
        parts: steps, waits, sleeps, parallels, at most one pivot on a path.
        starts_on: the event that starts it. `key`: the event's field whose value names the execution.
        version: a whole number, raised when the flow changes; running executions keep theirs.
        within: limit of the whole execution; behind the pivot it only alerts.
        unwind: undo independent branches together, or all in exact reverse order of their starts.
        compensation_window: how long after its end it may be undone by hand.
        on_completed: what becomes of events that come after the end.

    Raises:
        SagaDefinitionError: with every problem found.
    """

    def __init__(
        self,
        name: str,
        *parts: Part,
        starts_on: type[Event],
        key: str,
        version: int,
        within: timedelta | None = None,
        unwind: Literal["dependency", "serial"] = "dependency",
        compensation_window: timedelta = COMPENSATION_WINDOW,
        on_completed: Literal["dead_letter", "ignore"] = "dead_letter",
    ) -> None:
        checker = Checker(starts_on, key, within)
        checker.check(parts)
        if checker.problems:
            raise SagaDefinitionError(name, checker.problems)
        self.name, self.version, self.parts, self.starts_on = name, version, parts, starts_on
        self.warnings = tuple(checker.warnings)
        compiler = Compiler(name, key, dict(_makers(parts)))
        self.plan = Plan(
            saga=name,
            version=version,
            trigger=TriggerPlan(event=starts_on.message_type, gives=snake_case(starts_on.__name__), key=key),
            root=compiler.sequence(parts, is_past=False),
            within_ms=milliseconds(within) if within else None,
            unwind=unwind,
            compensation_window_ms=milliseconds(compensation_window),
            on_completed=on_completed,
        )

    @cached_property
    def events(self) -> Mapping[str, type[Event]]:
        """Every event it takes in, by message type: its trigger and what it waits for."""
        waits = [part.event for part in _flat(self.parts) if isinstance(part, Wait)]
        return {event.message_type: event for event in (self.starts_on, *waits)}

    @cached_property
    def handlers(self) -> Mapping[str, Handler]:
        """Every function of it by the name under which plans ask for it."""
        named = ((handler_name(self.name, function), function) for function in _functions(self.parts))
        return {name: Handler(name, function) for name, function in named}

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The participants it sends commands to, by name."""
        return tuple(sorted({function.to for function in _functions(self.parts) if function.to}))

    @cached_property
    def commands(self) -> Mapping[str, str]:
        """Command type -> participant."""
        return {
            function.result.message_type: function.to for function in _functions(self.parts) if function.to is not None
        }

    def __repr__(self) -> str:
        """`Saga('fulfil-order', version=1)`."""
        return f"Saga({self.name!r}, version={self.version})"


def _flat(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, Sequence | Parallel):
            yield from _flat(part.parts)


def _functions(parts: tuple[Part, ...]) -> Iterator[AnyFunction]:
    for part in _flat(parts):
        if isinstance(part, Step):
            yield from (function for function in (part.do, part.undo, part.probe) if function is not None)


def _makers(parts: tuple[Part, ...]) -> Iterator[tuple[str, str]]:
    for part in _flat(parts):
        if isinstance(part, Step) and (fact := fact_of(part)) is not None:
            yield fact, part.id
