"""Declare a participant: which commands it handles, each by one coroutine.

    inventory = Participant("inventory")

    @inventory.handles(ReserveStock)
    async def reserve(command: ReserveStock, ctx: CommandContext) -> StockReserved: ...

An undo is a command like any other; whether there is anything to undo is decided before your code runs. Raise
`Rejected` to refuse: nothing you wrote is kept, the refusal is stored. Any other exception: nothing is kept, and the
broker delivers the command again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from orchestrator.errors import OrchestratorError, UnknownMessageTypeError
from orchestrator.messages import Envelope, Message, short_hash

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel

    from orchestrator.contracts.protocol import CommandHeaders
    from orchestrator.participant.ports import Transaction

C = TypeVar("C", bound=Message)
Kind = TypeVar("Kind")


@dataclass(slots=True, kw_only=True)
class CommandContext:
    """Handed to a handler with its command.

    Attributes:
        headers: ids and deadline of the command: `headers.key` is the idempotency key, `headers.undoes` names, in an
            undo, the key of what is undone.
        correlation_id: shared by everything that follows from one first message.
    """

    headers: CommandHeaders
    correlation_id: str
    transaction: Transaction
    source: str
    envelope: Envelope
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("saga.participant"))
    _published: int = 0

    def get(self, kind: type[Kind]) -> Kind:
        """What the store offers for business writes in the transaction that also stores the reply."""
        return self.transaction.get(kind)

    async def publish(self, event: Message) -> None:
        """Publish an event, in the same transaction: it is sent if, and only if, the command is carried out."""
        self._published += 1
        await self.transaction.enqueue(
            Envelope(
                # Derived, not random: a command that is handled again publishes the same id.
                id=short_hash(self.headers.key, event.message_type, str(self._published)),
                source=self.source,
                type=event.message_type,
                body=event.model_dump_json().encode(),
                correlation_id=self.correlation_id,
                causation_id=self.envelope.id,
                traceparent=self.envelope.traceparent,
                tracestate=self.envelope.tracestate,
            )
        )


Handle: TypeAlias = "Callable[[Any, CommandContext], Awaitable[BaseModel | None]]"


@dataclass(frozen=True, slots=True)
class Participant:
    """A service that handles commands. `name` is its queue's last word: `saga.commands.<name>`."""

    name: str
    handlers: dict[str, tuple[type[Message], Handle]] = field(default_factory=dict[str, "tuple[type[Message], Handle]"])

    def handles(
        self, command: type[C]
    ) -> Callable[[Callable[[C, CommandContext], Awaitable[Any]]], Callable[[C, CommandContext], Awaitable[Any]]]:
        """Let the decorated coroutine handle `command`.

        Raises:
            OrchestratorError: another one handles it already.
        """

        def register(handle: Callable[[C, CommandContext], Awaitable[Any]]) -> Any:
            known = self.handlers.get(command.message_type)
            if known is not None:
                raise OrchestratorError(f"{self.name} handles {command.message_type!r} twice: remove one")
            self.handlers[command.message_type] = (command, handle)
            return handle

        return register

    def handler_of(self, command_type: str) -> tuple[type[Message], Handle]:
        """Model and coroutine for a command type.

        Raises:
            UnknownMessageTypeError: it handles no such command.
        """
        found = self.handlers.get(command_type)
        if found is None:
            raise UnknownMessageTypeError(command_type)
        return found
