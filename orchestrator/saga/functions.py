"""Authors' functions with what their signatures say: `@action`, `@command`, `@event`."""

from __future__ import annotations

import inspect
import reprlib
import types
import typing
from collections.abc import Awaitable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeAlias, TypeVar, overload

from pydantic import BaseModel
from typing_extensions import TypeIs

from orchestrator.messages import AnyCommand, Command, Event, reply_of, snake_case
from orchestrator.saga.places import place_of_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        fault: what is wrong with how it was declared; the sagas that use it tell.
    """

    call: Callable[P, R]
    lane: Lane
    to: str | None = None
    version: int = 1
    fault: str = ""

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


def other_participant(function: AnyFunction, sender: AnyFunction) -> str:
    """What is wrong if two functions that build one type of command send it to two participants; empty if nothing."""
    if None in (function.to, sender.to) or function.to == sender.to:
        return ""
    return (
        f"{function.name}() sends {function.result.message_type!r} to {function.to!r}, {sender.name}() ({sender.place})"
        f" to {sender.to!r}, and each of them would get both: give one a command type of its own"
    )


@overload
def action(call: Callable[P, WorkT], /) -> Action[P, WorkT]: ...
@overload
def action(*, brief: bool = False, version: int = 1) -> Callable[[Callable[P, WorkT]], Action[P, WorkT]]: ...
def action(*given: Any, brief: Any = False, version: Any = 1, **unknown: Any) -> Any:
    """Declare a coroutine that runs in our own worker; it may do I/O and may run more than once.

    Args:
        given: the coroutine; left out when options are given, as in `@action(brief=True)`.
        brief: promises: under a second, and the same key gives the same result. It then rides the express lane.
        version: raise it when running executions must keep the old code; deploy both until they have ended.
        unknown: nothing; what is misspelled is a problem of the saga that uses the function.
    """
    fault = misuse("action", ("brief", "version"), given, unknown)
    if not isinstance(brief, bool):
        fault = fault or f"@action(brief={brief!r}): write True or False"
    lane: Lane = "brief" if brief else "durable"
    return _declared(given, lambda call: Action(call, lane, version=version, fault=fault))


@overload
def command(*, to: str) -> Callable[[Callable[P, CommandT]], CommandBuilder[P, CommandT]]: ...
@overload
def command(*, to: str, version: int) -> Callable[[Callable[P, CommandT]], CommandBuilder[P, CommandT]]: ...
def command(*given: Any, to: Any = None, version: Any = 1, **unknown: Any) -> Any:
    """Declare a pure function that builds a command for participant `to`. For the others see `action`."""
    fault = misuse("command", ("to", "version"), given, unknown)
    return _declared(given, lambda call: CommandBuilder(call, "command", to=to, version=version, fault=fault))


@overload
def event(call: Callable[P, EventT], /) -> EventBuilder[P, EventT]: ...
@overload
def event(*, version: int = 1) -> Callable[[Callable[P, EventT]], EventBuilder[P, EventT]]: ...
def event(*given: Any, version: Any = 1, **unknown: Any) -> Any:
    """Declare a pure function that builds an event to publish. For the arguments see `action`."""
    fault = misuse("event", ("version",), given, unknown)
    return _declared(given, lambda call: EventBuilder(call, "publish", version=version, fault=fault))


def misuse(name: str, options: tuple[str, ...], given: tuple[Any, ...], unknown: Mapping[str, Any]) -> str:
    """What is wrong with how a function was declared, and how it is written; empty if nothing is.

    Told by the saga that uses the function, with its place, together with all else that is wrong there.
    """
    for option in unknown:
        close = get_close_matches(option, options, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it takes {' and '.join(options)}"
        return f"@{name} has no {option!r}: {hint}"
    if given and not (len(given) == 1 and callable(given[0])):
        shown = ", ".join(map(reprlib.repr, given))
        return f"@{name}({shown}): write its options by name, as @{name}({options[0]}=...)"
    return ""


def _declared(given: tuple[Any, ...], declare: Callable[[Any], AnyFunction]) -> Any:
    """The function declared at once, or what declares the one that follows."""
    return declare(given[0]) if given and callable(given[0]) else declare
