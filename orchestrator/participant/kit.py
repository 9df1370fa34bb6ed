"""Declare a participant: which commands it handles, each by one coroutine.

    inventory = Participant("inventory")

    @inventory.handles(ReserveStock)
    async def reserve(command: ReserveStock, ctx: CommandContext) -> StockReserved: ...

An undo is a command like any other; whether there is anything to undo is decided before your code runs. Raise
`Rejected` to refuse: nothing you wrote is kept, the refusal is stored. Any other exception: nothing is kept, and the
command is tried again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pydantic import BaseModel

from orchestrator.errors import OrchestratorError, UnknownCommandError
from orchestrator.messages import AnyCommand, Envelope, Event, Message, reply_of, short_hash
from orchestrator.saga.checks_messages import message_faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from orchestrator.contracts.protocol import CommandHeaders
    from orchestrator.participant.ports import Transaction

C = TypeVar("C", bound=AnyCommand)
R = TypeVar("R", bound=BaseModel | None)
Kind = TypeVar("Kind")

LIMIT = timedelta(seconds=30)
"""How long one handler may take, unless its participant says otherwise: as long as a step waits by default."""
log = logging.getLogger("saga.participant")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """Handed to a handler with its command.

    Attributes:
        headers: all that the command says about itself; the most used of it are properties below.
        correlation_id: shared by everything that follows from one first message.
        publishes: see `Participant`.
        events: what was published so far, with its numbers in the outbox.
        log: carries the ids of this command in each record.
    """

    headers: CommandHeaders
    correlation_id: str
    transaction: Transaction
    source: str
    envelope: Envelope
    publishes: tuple[type[Event], ...] = ()
    log: logging.LoggerAdapter[logging.Logger]
    events: list[tuple[int, Envelope]] = field(default_factory=list[tuple[int, Envelope]])

    @property
    def key(self) -> str:
        """Idempotency key of this call: the same in every copy and every attempt."""
        return self.headers.key

    @property
    def undoes(self) -> str:
        """In an undo or a probe the key of the forward command, else empty."""
        return self.headers.undoes

    @property
    def execution_id(self) -> str:
        """The saga's execution; in an undo of a finished one still the original's."""
        return self.headers.execution

    @property
    def deadline(self) -> datetime | None:
        """When the saga gives this attempt up; None = never."""
        return self.headers.deadline

    def get(self, kind: type[Kind]) -> Kind:
        """What the store offers for business writes in the transaction that also stores the reply.

        Raises:
            LookupError: it offers nothing of this type.
        """
        return self.transaction.get(kind)

    async def publish(self, event: Event) -> None:
        """Publish an event, in the same transaction: it is sent if, and only if, the command is carried out.

        Raises:
            OrchestratorError: it does not travel as JSON, and its participant does not name it in `publishes`.
        """
        if event.message_codec != "json" and type(event) not in self.publishes:
            name = type(event).__name__
            raise OrchestratorError(f"{self.source} publishes {name}: write Participant(..., publishes=({name},))")
        envelope = Envelope(
            # Derived, not random: a command that is handled again publishes the same id.
            id=short_hash(self.key, event.message_type, str(len(self.events) + 1)),
            source=self.source,
            type=event.message_type,
            version=event.message_versions.newest,
            body=event.model_dump_json().encode(),
            correlation_id=self.correlation_id,
            causation_id=self.envelope.id,
            traceparent=self.envelope.traceparent,
            tracestate=self.envelope.tracestate,
        )
        self.events.append((await self.transaction.enqueue(envelope), envelope))


Handle: TypeAlias = "Callable[[C, CommandContext], Awaitable[R]]"


@dataclass(frozen=True)
class CommandHandler:
    """A command and the coroutine that handles it."""

    command: type[AnyCommand]
    handle: Callable[[Any, CommandContext], Awaitable[BaseModel | None]]

    @cached_property
    def reply(self) -> type[BaseModel]:
        """What the command's declaration names as its reply.

        Raises:
            LookupError: it names none, or one that its module does not have.
        """
        return reply_of(self.command)


@dataclass(frozen=True, slots=True)
class Participant:
    """A service that handles commands.

    Attributes:
        name: its queue's last word: `saga.commands.<name>`.
        tables: business tables that its store makes beside its own if they are missing; for the SQL store a `MetaData`.
        limit: how long one handler may take; longer is a fault: rolled back and tried again.
        publishes: the events that it publishes; only those that do not travel as JSON need be named.
        handlers: by command type.
    """

    name: str
    tables: Any = None
    limit: timedelta = LIMIT
    publishes: tuple[type[Event], ...] = ()
    handlers: dict[str, CommandHandler] = field(default_factory=dict[str, CommandHandler])

    def handles(self, command: type[C]) -> Callable[[Handle[C, R]], Handle[C, R]]:
        """Let the decorated coroutine handle `command`.

        Raises:
            OrchestratorError: another one handles it already, or what the command says of its versions is wrong.
        """

        def register(handle: Handle[C, R]) -> Handle[C, R]:
            if command.message_type in self.handlers:
                raise OrchestratorError(f"{self.name} handles {command.message_type!r} twice: remove one")
            for problem in message_faults(command):
                raise OrchestratorError(f"{self.name} cannot handle {command.message_type!r}: {problem}")
            self.handlers[command.message_type] = CommandHandler(command, handle)
            return handle

        return register

    @property
    def messages(self) -> tuple[type[Message], ...]:
        """The classes of all messages that it takes, answers and publishes."""
        handlers = self.handlers.values()
        replies = (one.reply for one in handlers if issubclass(one.reply, Message))
        return tuple(dict.fromkeys((*(one.command for one in handlers), *replies, *self.publishes)))

    def handler_of(self, command_type: str) -> CommandHandler:
        """The handler of a command type.

        Raises:
            UnknownCommandError: it handles no such command.
        """
        found = self.handlers.get(command_type)
        if found is None:
            raise UnknownCommandError(self.name, command_type)
        return found
