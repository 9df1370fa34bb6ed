"""Authors' functions with what their signatures say: `@action`, `@command`, `@event`."""

from __future__ import annotations

import inspect
import types
import typing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from pydantic import BaseModel

from orchestrator.messages import Command, Message, snake_case

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")
CONTEXT = "ctx"


@dataclass(frozen=True)
class Function(Generic[P, R]):
    """An author's function and how it is carried out. Call it like the function itself.

    Attributes:
        lane: see `orchestrator.saga.plan.Lane`.
        to: the participant that handles the command, None for actions and events.
        version: major version of the code; executions go on with the one they began with.
    """

    call: Callable[P, R]
    lane: Literal["command", "publish", "brief", "durable"]
    to: str | None = None
    version: int = 1

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The author's function, unchanged."""
        return self.call(*args, **kwargs)

    @property
    def name(self) -> str:
        """Name of the function, which is also the step's."""
        return self.call.__name__

    @property
    def place(self) -> str:
        """Where it is written, as `file.py:41`."""
        code = self.call.__code__
        return f"{Path(code.co_filename).name}:{code.co_firstlineno}"

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
        names = inspect.signature(self.call).parameters
        return {name: self.hints.get(name, Any) for name in names if name != CONTEXT}

    @property
    def takes_context(self) -> bool:
        """Whether it wants an `ActionContext`."""
        return CONTEXT in inspect.signature(self.call).parameters

    @property
    def result(self) -> Any:
        """What it returns: the message it builds, or an action's result."""
        return self.hints.get("return")

    @cached_property
    def fact_type(self) -> type[BaseModel] | None:
        """The type whose name later steps know its result by: a command's reply, an action's result."""
        if self.lane == "command":
            return reply_type(self.result)
        made: Any = self.result
        is_fact = self.lane != "publish" and inspect.isclass(made) and issubclass(made, BaseModel)
        return cast("type[BaseModel]", made) if is_fact else None

    @property
    def fact(self) -> str | None:
        """Name of its result, None if it gives none."""
        return snake_case(self.fact_type.__name__) if self.fact_type else None


AnyFunction = Function[..., Any]


def is_optional(annotation: Any) -> bool:
    """Whether None is allowed."""
    origin = typing.get_origin(annotation)
    return origin in (typing.Union, types.UnionType) and type(None) in typing.get_args(annotation)


def reply_type(command: type[Message]) -> type[BaseModel] | None:
    """The reply of `class ReserveStock(Command["StockReserved"])`, found by name in the command's own module.

    Raises:
        LookupError: the name is not there.
    """
    for base in getattr(command, "__mro__", ()):
        metadata = getattr(base, "__pydantic_generic_metadata__", {})
        if metadata.get("origin") is Command and metadata.get("args"):
            return _named(metadata["args"][0], command)
    return None


def _named(argument: Any, command: type[Message]) -> type[BaseModel]:
    name = argument if isinstance(argument, str) else getattr(argument, "__forward_arg__", None)
    if name is None:
        return cast("type[BaseModel]", argument)
    found = vars(inspect.getmodule(command)).get(name)
    if found is None:
        raise LookupError(f"{command.__name__} names its reply {name!r}, which {command.__module__} does not define")
    return cast("type[BaseModel]", found)


@overload
def action(call: Callable[P, R], /) -> Function[P, R]: ...
@overload
def action(*, brief: bool = False, version: int = 1) -> Callable[[Callable[P, R]], Function[P, R]]: ...
def action(call: Callable[P, R] | None = None, /, *, brief: bool = False, version: int = 1) -> Any:
    """Declare a coroutine that runs in our own worker; it may do I/O and may run more than once.

    `brief=True` promises: under a second, and the same key gives the same result; then it rides the express lane.
    """
    lane: Literal["brief", "durable"] = "brief" if brief else "durable"
    if call is not None:
        return Function(call, lane, version=version)

    def declare(function: Callable[P, R]) -> Function[P, R]:
        return Function(function, lane, version=version)

    return declare


def command(*, to: str, version: int = 1) -> Callable[[Callable[P, R]], Function[P, R]]:
    """Declare a pure function that builds a command for participant `to`."""
    return lambda function: Function(function, "command", to=to, version=version)


def event(call: Callable[P, R], /) -> Function[P, R]:
    """Declare a pure function that builds an event to publish."""
    return Function(call, "publish")
