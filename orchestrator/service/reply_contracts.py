"""What replies look like: checked where they come in, so that one that fits nothing never becomes a fact."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from pydantic import ValidationError
from pydantic_core import to_json

from orchestrator.contracts.catalogue import problems
from orchestrator.contracts.decoding import decode
from orchestrator.contracts.protocol import MAX_REASON
from orchestrator.contracts.upcasting import is_plain, upcast
from orchestrator.errors import MessageError, SchemaMismatchError
from orchestrator.messages import Message
from orchestrator.saga.functions import is_class_of
from orchestrator.saga.plan import StepPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.contracts.protocol import Reply
    from orchestrator.saga.definition import Saga
    from orchestrator.saga.handlers import Handler
    from orchestrator.saga.plan import JSON, Plan

Call: TypeAlias = tuple[str, str, str]
"""Saga, step and direction."""


class ReplyContracts:
    """The reply types of some sagas' commands. Immutable; made by `of`, empty unless given.

    An execution may run by an older version than the one that is asked here, so a reply need fit only one of them.
    """

    def __init__(self, readers: Mapping[Call, tuple[Handler, ...]] | None = None) -> None:
        self._readers = MappingProxyType(dict(readers or {}))

    @classmethod
    def of(cls, sagas: Iterable[Saga]) -> ReplyContracts:
        """Those of all versions in `sagas`, the newest first."""
        found: defaultdict[Call, list[Handler]] = defaultdict(list)
        for saga in sorted(sagas, key=lambda saga: saga.version, reverse=True):
            for step, direction, handler in _commands(saga.plan):
                found[saga.name, step, direction].append(saga.handlers[handler])
        return cls({call: tuple(handlers) for call, handlers in found.items()})

    def read(self, reply: Reply) -> Reply:
        """The reply, its body written as its type writes it. One of a saga or step unknown here stays as it is.

        Raises:
            MalformedMessageError: its body is no acceptable JSON.
            UnknownVersionError: it is of a version of its type that is not taken.
            SchemaMismatchError: it is, but does not fit; tells field and problem, never the value.
        """
        decode(reply.body)
        handlers = self._readers.get((reply.execution.partition(":")[0], reply.step, reply.direction), ())
        if reply.outcome != "completed" or not handlers:
            return reply
        mismatches: list[SchemaMismatchError] = []
        for handler in handlers:
            try:
                fact = to_json(read_fact(handler, reply))
                return replace(reply, body=fact, version=handler.reply_version)
            except SchemaMismatchError as error:
                mismatches.append(error)
        raise mismatches[0]


def _commands(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Step, direction and handler of every command whose reply becomes a fact: no undo's does."""
    steps = [leaf for leaf in leaves(plan.root) if isinstance(leaf, StepPlan)]
    for direction, calls in (("do", [step.do for step in steps]), ("probe", [step.probe for step in steps])):
        for step, call in zip(steps, calls, strict=True):
            if call is not None and call.lane == "command":
                yield step.id, direction, call.handler


def read_fact(handler: Handler, reply: Reply) -> JSON:
    """The fact that a completed reply becomes.

    Raises:
        UnknownVersionError: it is of a version of its type that is not taken.
        SchemaMismatchError: its body does not fit the declared reply type.
    """
    model, body = handler.function.fact_type, reply.body
    if is_class_of(model, Message) and not is_plain(model, reply.version):
        body = upcast(model, reply.version, body)
    try:
        return handler.read_reply(body)
    except ValidationError as error:
        raise SchemaMismatchError(message_type=f"the reply to {reply.step}", problems=problems(error)) from None


def failure(reply: Reply, error: MessageError) -> Reply:
    """What a step is told in place of a reply that cannot be used: it failed, and nobody knows what was done.

    Not retryable: the participant would answer the same to the same key.
    """
    reason = f"the reply cannot be used: {error}"[:MAX_REASON]
    return replace(reply, outcome="failed", retryable=False, code=error.reason, reason=reason, body=b"null")
