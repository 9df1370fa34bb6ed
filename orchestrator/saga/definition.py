"""The saga itself: a named, versioned flow. An immutable value; nothing registers itself."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from orchestrator.errors import SagaDefinitionError
from orchestrator.saga.checks import check
from orchestrator.saga.compiling import compile_plan, handler_name
from orchestrator.saga.flow import Step, Wait, parts_within
from orchestrator.saga.handlers import Handler
from orchestrator.saga.outline import OnCompleted, Outline, Unwind
from orchestrator.saga.places import caller_place

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from typing import Never

    from orchestrator.messages import Event
    from orchestrator.saga.flow import Part
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.plan import Plan
    from orchestrator.saga.rules import Problem

COMPENSATION_WINDOW = timedelta(days=30)


_gathered: ContextVar[list[SagaDefinitionError] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering_errors() -> Generator[list[SagaDefinitionError]]:
    """While the block runs a broken saga does not raise: its error is gathered, and it has no plan.

    So `saga check` can tell what is wrong with all sagas of a module that is imported in the block.
    """
    gathered: list[SagaDefinitionError] = []
    token = _gathered.set(gathered)
    try:
        yield gathered
    finally:
        _gathered.reset(token)


def _refuse(error: SagaDefinitionError) -> None:
    gathered = _gathered.get()
    if gathered is None:
        raise error
    gathered.append(error)


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
        owner, about: for people: who looks after it, and what it is for. Another owner is no other version.

    Attributes:
        outline: its options.
        parts: its parts as written.
        plan: the saga compiled to data.
        warnings: what is allowed but worth a look; `saga check` shows it.

    Raises:
        SagaDefinitionError: with every problem found; its `problems` have code, text and place.
    """

    outline: Outline
    parts: tuple[Part, ...]
    plan: Plan
    warnings: tuple[Problem, ...]

    def __init__(
        self,
        name: str,
        *parts: Part,
        starts_on: type[Event],
        key: str,
        version: int,
        within: timedelta | None = None,
        unwind: Unwind = "dependency",
        compensation_window: timedelta = COMPENSATION_WINDOW,
        on_completed: OnCompleted = "dead_letter",
        owner: str = "",
        about: str = "",
    ) -> None:
        outline = Outline(
            name=name,
            version=version,
            starts_on=starts_on,
            key=key,
            within=within,
            unwind=unwind,
            compensation_window=compensation_window,
            on_completed=on_completed,
            place=caller_place(),
            owner=owner,
            about=about,
        )
        self._hold(outline, parts)

    def _hold(self, outline: Outline, parts: tuple[Part, ...]) -> None:
        findings = check(outline, parts)
        # Set past __setattr__, which keeps the value immutable.
        vars(self).update(outline=outline, parts=parts, warnings=findings.warnings)
        if findings.problems:
            _refuse(SagaDefinitionError(outline.name, findings.problems))
        else:
            vars(self).update(plan=compile_plan(outline, parts))

    @property
    def name(self) -> str:
        """Its name, as `fulfil-order`."""
        return self.outline.name

    @property
    def version(self) -> int:
        """Its version."""
        return self.outline.version

    @property
    def starts_on(self) -> type[Event]:
        """The event that starts it."""
        return self.outline.starts_on

    @property
    def place(self) -> str:
        """Where it is written, as `order_fulfilment/saga.py:85`."""
        return self.outline.place

    @cached_property
    def events(self) -> Mapping[str, type[Event]]:
        """Every event it takes in, by message type: its trigger and what it waits for."""
        waits = [part.event for part in parts_within(self.parts) if isinstance(part, Wait)]
        return MappingProxyType({event.message_type: event for event in (self.starts_on, *waits)})

    @cached_property
    def handlers(self) -> Mapping[str, Handler]:
        """Every function of it, undo and probe included, by the name under which plans ask for it."""
        named = ((handler_name(self.name, function), function) for function in self._functions())
        return MappingProxyType({name: Handler(name, function) for name, function in named})

    @cached_property
    def commands(self) -> Mapping[str, str]:
        """Command type -> the participant that handles it."""
        sent = (function for function in self._functions() if function.to is not None)
        return MappingProxyType({function.result.message_type: function.to or "" for function in sent})

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The participants it sends commands to, by name."""
        return tuple(sorted(set(self.commands.values())))

    def _functions(self) -> Iterator[AnyFunction]:
        for part in parts_within(self.parts):
            if isinstance(part, Step):
                yield from part.functions

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"{self!r} is immutable: declare another saga instead of setting {name!r}")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"{self!r} is immutable: {name!r} cannot be removed")

    def __eq__(self, other: object) -> bool:
        """Whether plan and code are the same; where it is written does not matter."""
        return isinstance(other, Saga) and (self.plan, self.handlers) == (other.plan, other.handlers)

    def __hash__(self) -> int:
        return hash(self.plan.content_hash)

    def __repr__(self) -> str:
        """`Saga('fulfil-order', version=1)`."""
        return f"Saga({self.name!r}, version={self.version})"
