"""The ledger's messages as a projection: what the event store has of an execution, as the ledger notes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.contracts.protocol import CODE, REPLAY_OF
from orchestrator.service.access import Permission
from orchestrator.service.recording import MAX_BODY
from orchestrator.service.records import MessageRecord

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.stored import StoredMessage

LEDGER = "messages"
"""Name of this projection among those of authors."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of it: of how many executions, and how many messages the ledger has now that the store has too."""

    executions: int
    messages: int


class LedgerMessages(Protocol):
    """Makes the ledger's messages anew. Every method raises `StoreUnavailableError`."""

    async def rebuild(self, sagas: frozenset[str] | None) -> Noted:
        """For every execution of these sagas that the ledger has; None = of all. What the store lacks stays."""
        ...


class Noting:
    """The use case."""

    def __init__(self, messages: LedgerMessages) -> None:
        self._messages = messages

    async def rebuild(self, caller: Caller) -> Noted:
        """Make the messages of the caller's executions anew from the event store.

        Raises:
            DeniedError: the caller may not replay, or not see payloads.
            StoreUnavailableError: the database is away.
        """
        for permission in (Permission.REPLAY, Permission.PAYLOAD):
            caller.require(permission)
        return await self._messages.rebuild(caller.sagas)


def noted_of(message: StoredMessage, execution_id: str, *, is_taken: bool) -> MessageRecord | None:
    """The row that an execution has of a message; None, if it has none of such a one.

    Args:
        message: of the event store.
        execution_id: whose row it is.
        is_taken: it is an event that the execution took. Such a one has its identity for an id, since two sources may
            use one id, and the time at which it was recorded; any other has its sender's.
    """
    if REPLAY_OF in (message.headers or {}):
        return None
    is_reply = message.kind == "reply"
    code = (message.headers or {}).get(CODE, "")
    return MessageRecord(
        execution_id=execution_id,
        message_id=message.identity if is_taken else message.message_id,
        direction="in" if is_taken or is_reply else "out",
        kind=message.kind,
        type=(code or message.outcome) if is_reply else message.type,
        at_ms=message.stored_ms if is_taken else message.at_ms,
        correlation_id="" if is_reply else message.correlation_id,
        causation_id=message.causation_id,
        step="" if is_taken else message.step,
        call="" if is_taken else message.call,
        attempt=0 if is_taken else message.attempt,
        outcome=message.outcome,
        size=message.size,
        body=message.body if message.body is not None and message.size <= MAX_BODY else None,
    )
