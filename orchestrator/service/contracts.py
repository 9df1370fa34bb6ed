"""The contracts of a set of sagas: every message type that they take, send or are answered by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.contracts.contract import Contract, Kind, Model
from orchestrator.errors import CatalogueError
from orchestrator.messages import AnyCommand, Command, Event, Message, refusal_of, reply_of
from orchestrator.saga.functions import is_class_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.saga.definition import Saga


def contracts_of(sagas: Iterable[Saga]) -> tuple[Contract, ...]:
    """The contracts, by message type.

    Raises:
        CatalogueError: two different classes have the same type; names both.
    """
    drafts: dict[str, _Draft] = {}
    for saga in sagas:
        for event in saga.events.values():
            _draft(drafts, event, "event").taken_by.add(saga.name)
        for handler in saga.handlers.values():
            sent = handler.function.result
            if is_class_of(sent, Command):
                _add_command(drafts, sent, saga.name, handler.function.to or "")
            elif not handler.function.is_action and is_class_of(sent, Event):
                _draft(drafts, sent, "event").sent_by.add(saga.name)
    return tuple(drafts[name].contract() for name in sorted(drafts))


@dataclass
class _Draft:
    """A contract in the making."""

    type: str
    kind: Kind
    model: Model
    taken_by: set[str] = field(default_factory=set[str])
    sent_by: set[str] = field(default_factory=set[str])
    participant: str = ""
    reply: str = ""

    def contract(self) -> Contract:
        return Contract(
            type=self.type,
            kind=self.kind,
            model=self.model,
            taken_by=tuple(sorted(self.taken_by)),
            sent_by=tuple(sorted(self.sent_by)),
            participant=self.participant,
            reply=self.reply,
            versions=self.model.message_versions,
            codec=self.model.message_codec,
        )


def _add_command(drafts: dict[str, _Draft], command: type[AnyCommand], saga: str, participant: str) -> None:
    draft = _draft(drafts, command, "command")
    draft.sent_by.add(saga)
    draft.participant = participant
    for answer in (reply_of(command), refusal_of(command)):
        if answer is Event or not issubclass(answer, Message):
            continue
        reply = _draft(drafts, answer, "reply")
        reply.taken_by.add(saga)
        reply.participant = participant
        draft.reply = draft.reply or reply.type


def _draft(drafts: dict[str, _Draft], model: type[Message], kind: Kind) -> _Draft:
    found = drafts.setdefault(model.message_type, _Draft(model.message_type, kind, model))
    if found.model is not model:
        first, second = (f"{one.__module__}.{one.__qualname__}" for one in (found.model, model))
        raise CatalogueError(message_type=model.message_type, first=first, second=second)
    return found
