"""What is wrong between sagas that run side by side, though each of them is sound. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.messages import Message
from orchestrator.saga.functions import is_class_of, other_participant
from orchestrator.saga.places import place_of_class
from orchestrator.saga.rules import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.saga.definition import Saga
    from orchestrator.saga.functions import AnyFunction


def clashes(sagas: Iterable[Saga]) -> tuple[tuple[Saga, Problem], ...]:
    """What no worker of all these sagas could do, each problem with the later of the two sagas that have it."""
    known = _Known()
    return tuple(dict.fromkeys((saga, problem) for saga in sagas for problem in known.clashes(saga)))


class _Known:
    """The sagas looked at so far, by what may be there once only."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, int], Saga] = {}
        self._functions: dict[str, AnyFunction] = {}
        self._messages: dict[str, type[Message]] = {}
        self._senders: dict[str, AnyFunction] = {}

    def clashes(self, saga: Saga) -> Iterator[Problem]:
        """What of this saga does not go with those before."""
        twin = self._versions.setdefault((saga.name, saga.version), saga)
        if twin != saga:
            text = f"two sagas are called {saga.name} version {saga.version} (the other: {twin.place}): rename one"
            yield Problem("S026", text, saga.place)
            return  # all the rest would only follow from it
        for name, handler in saga.handlers.items():
            yield from self._function(name, handler.function)
        for model in _messages(saga):
            yield from self._message(model)

    def _function(self, name: str, function: AnyFunction) -> Iterator[Problem]:
        other = self._functions.setdefault(name, function)
        if other.call is not function.call:
            text = f"{function.name}() is declared here and in {other.place}: rename one, or give it version=2"
            yield Problem("S027", text, function.place)
        if function.to is not None:
            sender = self._senders.setdefault(function.result.message_type, function)
            if problem := other_participant(function, sender):
                yield Problem("S033", problem, function.place)

    def _message(self, model: type[Message]) -> Iterator[Problem]:
        other = self._messages.setdefault(model.message_type, model)
        if other is not model:
            text = f"{model.__name__} and {other.__name__} ({place_of_class(other)}) have type {model.message_type!r}"
            yield Problem("S027", f"{text}: a type is one class", place_of_class(model))


def _messages(saga: Saga) -> Iterator[type[Message]]:
    """The classes of every message that it takes, sends or is answered by."""
    yield from saga.events.values()
    for handler in saga.handlers.values():
        if not handler.function.is_action:
            yield from (
                model for model in (handler.function.result, handler.function.fact_type) if is_class_of(model, Message)
            )
