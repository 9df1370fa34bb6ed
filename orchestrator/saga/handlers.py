"""Authors' functions as workers call them: facts as JSON in, messages or results out."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from orchestrator.errors import HandlerMissingError, OrchestratorError
from orchestrator.saga.functions import is_optional

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.messages import Message
    from orchestrator.saga.contexts import ActionContext
    from orchestrator.saga.functions import AnyFunction


@dataclass(frozen=True)
class Handler:
    """One function under the name by which plans ask for it."""

    name: str
    function: AnyFunction

    def build(self, facts: Mapping[str, Any]) -> Message:
        """The command or event, built from facts. Pure: the same facts give the same message."""
        message: Message = self.function.call(**self._arguments(facts))
        return message

    async def act(self, facts: Mapping[str, Any], ctx: ActionContext) -> Any:
        """Run the action; its result as JSON values."""
        arguments = self._arguments(facts)
        if self.function.takes_context:
            arguments["ctx"] = ctx
        return to_jsonable_python(await self.function.call(**arguments))

    def read_reply(self, body: bytes) -> Any:
        """A reply's body, checked against the declared reply type, as JSON values.

        Raises:
            pydantic.ValidationError: it does not fit; the outcome is then unknown.
        """
        reply = self._reply_adapter.validate_json(body)
        return to_jsonable_python(reply)

    def _arguments(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: None if facts.get(name) is None and optional else adapter.validate_python(facts.get(name))
            for name, (adapter, optional) in self._adapters.items()
        }

    @cached_property
    def _adapters(self) -> dict[str, tuple[TypeAdapter[Any], bool]]:
        parameters = self.function.parameters.items()
        return {name: (TypeAdapter(annotation), is_optional(annotation)) for name, annotation in parameters}

    @cached_property
    def _reply_adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.function.fact_type or Any)


class Handlers:
    """All functions of some sagas by name. Immutable."""

    def __init__(self, found: Mapping[str, Handler]) -> None:
        self._found = dict(found)

    @classmethod
    def of(cls, groups: Iterable[Mapping[str, Handler]]) -> Handlers:
        """The handlers of several sagas together.

        Raises:
            OrchestratorError: two different functions have one name.
        """
        found: dict[str, Handler] = {}
        for group in groups:
            for name, handler in group.items():
                other = found.setdefault(name, handler)
                if other.function.call is not handler.function.call:
                    raise OrchestratorError(
                        f"two functions are called {name!r}: {place_of(other)} and {place_of(handler)}; rename one"
                    )
        return cls(found)

    def __getitem__(self, name: str) -> Handler:
        """The handler of this name.

        Raises:
            HandlerMissingError: this worker has no such code.
        """
        try:
            return self._found[name]
        except KeyError:
            raise HandlerMissingError(name) from None


def place_of(handler: Handler) -> str:
    """Module and line of a handler's function."""
    module = inspect.getmodule(handler.function.call)
    return f"{module.__name__ if module else '?'} ({handler.function.place})"
