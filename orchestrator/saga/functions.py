"""Authors' functions with what their signatures say: `@action`, `@command`, `@event`."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeAlias, TypeVar, overload

from pydantic import BaseModel
from typing_extensions import TypeIs

from orchestrator.messages import AnyCommand, Command, Event, reply_of, snake_case
from orchestrator.saga.places import place_of_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.saga.plan import Lane

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
WorkT = TypeVar("WorkT", bound=Awaitable[Any])
CommandT = TypeVar("CommandT", bound=AnyCommand)
EventT = TypeVar("EventT", bound=Event)
CONTEXT = "ctx"
"""The one parameter name that is not a fact: an action's `ActionContext`."""


@dataclass(frozen=True)
class Function(Generic[P, R]):
    """An author's function and how it is carried out. Call it like the function itself.

    Attributes:
        lane: see `orchestrator.saga.plan.Lane`.
        to: the participant that handles the command, None for actions and events.
        version: major version of the code; executions go on with the one they began with.
    """

    call: Callable[P, R]
    lane: Lane
    to: str | None = None
    version: int = 1

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The author's function, unchanged."""
        return self.call(*args, **kwargs)

    @property
    def name(self) -> str:
        """Name of the function, which is also the step's."""
        return getattr(self.call, "__name__", type(self.call).__name__)

    @property
    def place(self) -> str:
        """Where it is written, as `order_fulfilment/saga.py:41`."""
        return place_of_function(self.call)

    @property
    def is_action(self) -> bool:
        """Whether our own worker runs it; else it builds a message."""
        return self.lane in ("brief", "durable")

    @cached_property
    def signature(self) -> inspect.Signature:
        """Its signature, annotations as written."""
        return inspect.signature(self.call)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Annotations by name, the result's under `return`.

        Raises:
            NameError: an annotation cannot be found at run time, most often because it is imported for type checking
                only.
        """
        return typing.get_type_hints(self.call)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Annotation of each fact it takes, by name; `ctx` is not one."""
        return {name: self.hints.get(name, Any) for name in self.signature.parameters if name != CONTEXT}

    @cached_property
    def takes_context(self) -> bool:
        """Whether it wants an `ActionContext`."""
        return CONTEXT in self.signature.parameters

    @property
    def result(self) -> Any:
        """What it returns: the message it builds, or an action's result; `NoneType` if nothing."""
        return self.hints.get("return")

    @cached_property
    def fact_type(self) -> type[BaseModel] | None:
        """The type whose name later steps know its result by: a command's reply, an action's result.

        Raises:
            LookupError: the command's reply cannot be found.
        """
        if self.is_action:
            return self.result if is_class_of(self.result, BaseModel) else None
        return reply_of(self.result) if is_class_of(self.result, Command) else None

    @property
    def fact(self) -> str | None:
        """Name of its result, None if it gives none."""
        return snake_case(self.fact_type.__name__) if self.fact_type else None


class Action(Function[P, R]):
    """A coroutine of the author that our own worker runs. Made by `@action`."""


class CommandBuilder(Function[P, R]):
    """A function of the author that builds a command. Made by `@command`."""


class EventBuilder(Function[P, R]):
    """A function of the author that builds an event to publish. Made by `@event`."""


AnyFunction: TypeAlias = Function[..., Any]
Doing: TypeAlias = Action[..., Any] | CommandBuilder[..., Any]
"""What a step can do, and what can undo or probe one."""


def is_class_of(annotation: Any, root: type[T]) -> TypeIs[type[T]]:
    """Whether an annotation is a plain class below `root`."""
    return isinstance(annotation, type) and issubclass(annotation, root)


def is_optional(annotation: Any) -> bool:
    """Whether None is allowed."""
    origin = typing.get_origin(annotation)
    return origin in (typing.Union, types.UnionType) and type(None) in typing.get_args(annotation)


@overload
def action(call: Callable[P, WorkT], /) -> Action[P, WorkT]: ...
@overload
def action(*, brief: bool = False, version: int = 1) -> Callable[[Callable[P, WorkT]], Action[P, WorkT]]: ...
def action(call: Callable[P, Any] | None = None, /, *, brief: bool = False, version: int = 1) -> Any:
    """Declare a coroutine that runs in our own worker; it may do I/O and may run more than once.

    Args:
        call: the coroutine; left out when options are given, as in `@action(brief=True)`.
        brief: promises: under a second, and the same key gives the same result. It then rides the express lane.
        version: raise it when running executions must keep the old code; deploy both until they have ended.
    """
    lane: Lane = "brief" if brief else "durable"
    if call is not None:
        return Action(call, lane, version=version)

    def declare(function: Callable[P, Any]) -> Action[P, Any]:
        return Action(function, lane, version=version)

    return declare


def command(*, to: str, version: int = 1) -> Callable[[Callable[P, CommandT]], CommandBuilder[P, CommandT]]:
    """Declare a pure function that builds a command for participant `to`. `version`: see `action`."""

    def declare(call: Callable[P, CommandT]) -> CommandBuilder[P, CommandT]:
        return CommandBuilder(call, "command", to=to, version=version)

    return declare


@overload
def event(call: Callable[P, EventT], /) -> EventBuilder[P, EventT]: ...
@overload
def event(*, version: int = 1) -> Callable[[Callable[P, EventT]], EventBuilder[P, EventT]]: ...
def event(call: Callable[P, Any] | None = None, /, *, version: int = 1) -> Any:
    """Declare a pure function that builds an event to publish. `version`: see `action`."""
    if call is not None:
        return EventBuilder(call, "publish", version=version)

    def declare(function: Callable[P, Any]) -> EventBuilder[P, Any]:
        return EventBuilder(function, "publish", version=version)

    return declare
