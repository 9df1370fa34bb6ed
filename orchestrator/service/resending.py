"""Events of the event store, published again: with new ids, on purpose, counted and audited.

Commands and replies are never sent, by no option. An event that is sent again is for other consumers: no saga takes it,
so nothing follows from it for a participant, unless the caller says so in those words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from orchestrator.contracts.protocol import REPLAY_OF
from orchestrator.errors import ConflictError, InvalidRequestError, PublishError
from orchestrator.messages import short_hash
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.event_ports import EventFilter
from orchestrator.service.operating import REFUSALS
from orchestrator.service.reasons import check_reason
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from orchestrator.service.access import Caller
    from orchestrator.service.events import Events
    from orchestrator.service.operations import Clock, Register
    from orchestrator.stored import StoredMessage

MOST = 10_000
"""Messages that one filter may choose."""
TARGET = "events"
NOT_AN_EVENT = "commands and replies are never sent again"
IS_REPLAY = "sent again themselves"
NOT_KEPT = "the body was not kept"


class Resender(Protocol):
    """Publishes messages of the store."""

    def why_not(self, message: StoredMessage) -> str:
        """Why a message cannot be published as it was; empty if it can."""
        ...

    async def send(self, message: StoredMessage, message_id: str, *, reaches: bool) -> None:
        """Publish it under a new id to where it went; the broker has it when this returns.

        Raises:
            PublishError: it was not accepted, or nobody knows.
        """
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What a filter chooses now: how many events of each type, and what is left out, by its reason."""

    types: Mapping[str, int]
    left_out: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many would be sent."""
        return sum(self.types.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What a caller says.

    Attributes:
        confirm: the count that was shown. `reaches`: sagas may take them, and commands to participants follow.
    """

    wanted: EventFilter
    reason: str
    confirm: int
    reaches: bool = False


class Resending:
    """The use case."""

    def __init__(self, events: Events, sender: Resender, register: Register, clock: Clock) -> None:
        self._events = events
        self._sender = sender
        self._register = register
        self._clock = clock

    async def offer(self, caller: Caller, wanted: EventFilter) -> Offer:
        """What would be sent.

        Raises:
            DeniedError: the caller may not send, or not see payloads.
            InvalidRequestError: the filter chooses everything, or more than `MOST`.
            StoreUnavailableError: the database is away.
        """
        caller.require(Permission.SEND)
        if wanted == EventFilter():
            raise InvalidRequestError([("/send", "say which events: an empty filter would be all of them")])
        types, left = Counter[str](), Counter[str]()
        async for one in self._chosen(caller, wanted):
            why = self._why_not(one)
            (left if why else types)[why or one.type] += 1
            if types.total() + left.total() > MOST:
                raise InvalidRequestError([("/send", f"more than {MOST} messages: narrow it")])
        return Offer(types, left)

    async def send(self, caller: Caller, sending: Sending) -> int:
        """Send them, in the order of the store; how many. Repeated, it sends the same ids.

        Raises:
            ConflictError: the filter chooses another number now.
            DeniedError, InvalidRequestError: see `offer`; or no reason is given. Each of these is audited.
            PublishError: the broker did not take one; those before it are sent, which the audit says too.
        """
        entry = AuditEntry(
            at_ms=milliseconds(self._clock.now()),
            actor=caller.actor,
            role=caller.role.value,
            what="replay_event",
            target=TARGET,
            result="accepted",
            reason=sending.reason,
            text=f"{sending.confirm} of {_words(sending.wanted)}" + (", reaching participants" * sending.reaches),
            origin=caller.origin,
        )
        try:
            await self._check(caller, sending)
        except REFUSALS as error:
            await self._register.note(replace(entry, result="refused", text=str(error)))
            raise
        await self._register.note(entry)
        return await self._send(caller, sending, entry)

    async def _check(self, caller: Caller, sending: Sending) -> None:
        offer = await self.offer(caller, sending.wanted)
        check_reason(sending.reason)
        if offer.count != sending.confirm:
            text = f"the filter chooses {offer.count} events now, not {sending.confirm}: look again by --dry-run"
            raise ConflictError(text, revision=offer.count)

    async def _send(self, caller: Caller, sending: Sending, entry: AuditEntry) -> int:
        sent, result = 0, "failed"
        try:
            async for one in self._chosen(caller, sending.wanted):
                if sent == sending.confirm:
                    break  # what was recorded since was not confirmed
                if not self._why_not(one):
                    await self._sender.send(one, _new_id(one, sending), reaches=sending.reaches)
                    sent += 1
            result = "verified"
        except PublishError as error:
            text = f"{sent} of {sending.confirm} were sent, the same command sends the rest: {error}"
            raise PublishError(text) from error
        finally:
            done = replace(entry, at_ms=milliseconds(self._clock.now()), result=result, text=f"{sent} were sent")
            await self._register.note(done)
        return sent

    async def _chosen(self, caller: Caller, wanted: EventFilter) -> AsyncIterator[StoredMessage]:
        async for some in self._events.all(caller, wanted, contents="all"):
            for one in some:
                yield one

    def _why_not(self, message: StoredMessage) -> str:
        if message.kind != "event":
            return NOT_AN_EVENT
        if REPLAY_OF in (message.headers or {}):
            return IS_REPLAY
        return NOT_KEPT if message.body is None else self._sender.why_not(message)


def _new_id(message: StoredMessage, sending: Sending) -> str:
    """New for the message, and the same whenever the same command is given: whoever has it already knows it."""
    return short_hash("replay", message.identity, _words(sending.wanted), sending.reason, str(sending.confirm))


def _words(wanted: EventFilter) -> str:
    given = {
        "correlation": wanted.correlation_id,
        "execution": wanted.execution_id,
        "type": ",".join(wanted.types),
        "source": wanted.source,
        "since": wanted.since_ms,
        "until": wanted.until_ms,
    }
    return " ".join(f"{name}={value}" for name, value in given.items() if value)
