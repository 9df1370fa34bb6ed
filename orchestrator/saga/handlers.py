"""Authors' functions as workers call them: facts as JSON in, messages or results out."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from orchestrator.errors import HandlerMissingError, OrchestratorError
from orchestrator.messages import Message
from orchestrator.saga.functions import CONTEXT, is_class_of, is_optional

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.saga.contexts import ActionContext
    from orchestrator.saga.functions import AnyFunction
    from orchestrator.saga.plan import JSON, Lane


@dataclass(frozen=True)
class Handler:
    """One function under the name by which plans ask for it."""

    name: str
    function: AnyFunction

    @property
    def lane(self) -> Lane:
        """How it is carried out."""
        return self.function.lane

    @property
    def message_type(self) -> str | None:
        """Type of the command or event it builds, None for actions."""
        builds = is_class_of(self.function.result, Message) and not self.function.is_action
        return self.function.result.message_type if builds else None

    @property
    def reply_version(self) -> int:
        """The version of its reply's type that becomes a fact."""
        return self.function.fact_type.message_versions.newest if is_class_of(self.function.fact_type, Message) else 1

    def build(self, facts: Mapping[str, JSON]) -> Message:
        """The command or event, built from facts. Pure: the same facts give the same message.

        Raises:
            pydantic.ValidationError: a fact is missing or does not fit its annotation.
        """
        message: Message = self.function.call(**self._arguments(facts))
        return message

    async def act(self, facts: Mapping[str, JSON], ctx: ActionContext) -> JSON:
        """Run the action; its result, checked against what it declares, as JSON values.

        Raises:
            Rejected: the action says that it made no effect.
            pydantic.ValidationError: a fact or the result does not fit its annotation.
        """
        arguments = self._arguments(facts)
        if self.function.takes_context:
            arguments[CONTEXT] = ctx
        result = await self.function.call(**arguments)
        adapter = self._result_adapter
        return adapter.dump_python(adapter.validate_python(result), mode="json")

    def read_reply(self, body: bytes) -> JSON:
        """A reply's body, checked against the declared reply type, as JSON values.

        Raises:
            pydantic.ValidationError: it does not fit; the outcome is then unknown.
        """
        adapter = self._reply_adapter
        return adapter.dump_python(adapter.validate_json(body), mode="json")

    def check_fact(self, name: str, fact: JSON) -> JSON:
        """A fact in place of one that it takes, checked against the annotation of `name`, as JSON values.

        Raises:
            pydantic.ValidationError: it does not fit.
        """
        adapter, _ = self._adapters[name]
        return adapter.dump_python(_decoded(self._adapters[name], fact), mode="json")

    def check_result(self, result: JSON) -> JSON:
        """A result in place of its own or of its command's reply, as JSON values.

        Raises:
            pydantic.ValidationError: it does not fit.
        """
        adapter = self._result_adapter if self.function.is_action else self._reply_adapter
        return adapter.dump_python(adapter.validate_json(to_json(result)), mode="json")

    def _arguments(self, facts: Mapping[str, JSON]) -> dict[str, Any]:
        return {name: _decoded(adapter, facts.get(name)) for name, adapter in self._adapters.items()}

    @cached_property
    def _adapters(self) -> dict[str, tuple[TypeAdapter[Any], bool]]:
        parameters = self.function.parameters.items()
        return {name: (TypeAdapter(annotation), is_optional(annotation)) for name, annotation in parameters}

    @cached_property
    def _result_adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.function.result)

    @cached_property
    def _reply_adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.function.fact_type or Any)


def _decoded(adapter: tuple[TypeAdapter[Any], bool], fact: JSON) -> Any:
    reader, may_be_none = adapter
    if fact is None and may_be_none:
        return None
    # From JSON text, not from values: only so do strict models take the tuples and dates that JSON cannot tell apart.
    return reader.validate_json(to_json(fact))


class Handlers:
    """All functions of some sagas by name. Immutable; make it by `of`."""

    def __init__(self, found: Mapping[str, Handler]) -> None:
        self._found = MappingProxyType(dict(found))

    @classmethod
    def of(cls, groups: Iterable[Mapping[str, Handler]]) -> Handlers:
        """The handlers of several sagas together; two versions of one saga may share functions.

        Raises:
            OrchestratorError: two different functions have one name.
        """
        found: dict[str, Handler] = {}
        for group in groups:
            for name, handler in group.items():
                other = found.setdefault(name, handler)
                if other.function.call is not handler.function.call:
                    raise OrchestratorError(
                        f"two functions are called {name!r}: {_place_of(other)} and {_place_of(handler)};"
                        " rename one, or give the newer one version=2"
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

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the sagas."""
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found


def _place_of(handler: Handler) -> str:
    module = inspect.getmodule(handler.function.call)
    return f"{module.__name__ if module else '?'} ({handler.function.place})"
