"""Ports that note every message that passes them, for the ledger. They change nothing about what passes.

Commands and events are noted when the broker has them, events of others when the engine has taken them, replies when
they come. Bodies up to 64 KiB are kept: a person sees what was said; they are sealed if there is a key. What a crash
takes before it is written is not noted again: the whole record of messages is another part's work.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.contracts.protocol import ATTEMPT, DIRECTION, EXECUTION, STEP
from orchestrator.service.ports import Delivery
from orchestrator.service.records import MessageRecord

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator

    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.buffering import LedgerBuffer
    from orchestrator.service.ports import Courier, Executions

MAX_BODY = 65_536
"""Of a larger body only the size is kept, bytes."""
TAKEN = (Delivery.STARTED, Delivery.ACCEPTED)


class RecordingCourier:
    """A courier whose messages are noted. Implements `service.ports.Courier`."""

    def __init__(self, courier: Courier, buffer: LedgerBuffer) -> None:
        self._courier = courier
        self._buffer = buffer

    @property
    def reply_to(self) -> str:
        """As the courier says."""
        return self._courier.reply_to

    async def send(self, command: Envelope) -> None:
        """Send a command, then note it."""
        await self._courier.send(command)
        self._buffer.record(_sent(command, "command"))

    async def publish(self, event: Envelope) -> None:
        """Publish an event, then note it."""
        await self._courier.publish(event)
        self._buffer.record(_sent(event, "event"))

    async def park(self, event: Envelope, *, code: str, reason: str) -> None:
        """Park an event; parking has a table of its own."""
        await self._courier.park(event, code=code, reason=reason)

    @contextmanager
    def expect(self, command_id: str) -> Generator[asyncio.Future[Reply]]:
        """A future for a reply, which is noted when it comes."""
        with self._courier.expect(command_id) as answer:
            answer.add_done_callback(self._note)
            yield answer

    def _note(self, answer: asyncio.Future[Reply]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self._buffer.record(_answered(answer.result()))


class RecordingExecutions:
    """Executions whose events and late replies are noted. Implements `service.ports.Executions`.

    New executions wait here while the ledger is slow: the relay then holds what it has and takes no more.
    """

    def __init__(self, executions: Executions, buffer: LedgerBuffer) -> None:
        self._executions = executions
        self._buffer = buffer

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start, then note the trigger if it was taken."""
        await self._buffer.admitted()
        delivery = await self._executions.start(plan, execution_id, trigger, payload)
        self._note(delivery, execution_id, trigger)
        return delivery

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """Deliver, then note the event if it was taken."""
        delivery = await self._executions.deliver(execution_id, event, payload)
        self._note(delivery, execution_id, event)
        return delivery

    async def answer(self, reply: Reply) -> Delivery:
        """Hand over a late reply, then note it."""
        delivery = await self._executions.answer(reply)
        if delivery in TAKEN:
            self._buffer.record(_answered(reply))
        return delivery

    async def is_available(self) -> bool:
        """As the engine says."""
        return await self._executions.is_available()

    def _note(self, delivery: Delivery, execution_id: str, event: Envelope) -> None:
        if delivery in TAKEN:
            self._buffer.record(
                MessageRecord(
                    execution_id=execution_id,
                    # (source, id) is what makes an event one event; two sources may use one id.
                    message_id=event.identity,
                    direction="in",
                    kind="event",
                    type=event.type,
                    at_ms=_now_ms(),
                    correlation_id=event.correlation_id,
                    causation_id=event.causation_id,
                    size=len(event.body),
                    body=_kept(event.body),
                )
            )


def _sent(envelope: Envelope, kind: Any) -> MessageRecord:
    headers = envelope.headers
    return MessageRecord(
        execution_id=headers.get(EXECUTION, ""),
        message_id=envelope.id,
        direction="out",
        kind=kind,
        type=envelope.type,
        at_ms=_now_ms(),
        correlation_id=envelope.correlation_id,
        causation_id=envelope.causation_id,
        step=headers.get(STEP, ""),
        call=headers.get(DIRECTION, ""),
        attempt=int(headers.get(ATTEMPT, "0")),
        size=len(envelope.body),
        body=_kept(envelope.body),
    )


def _answered(reply: Reply) -> MessageRecord:
    return MessageRecord(
        execution_id=reply.execution,
        message_id=reply.message_id or f"{reply.command_id}:reply",
        direction="in",
        kind="reply",
        type=reply.code or reply.outcome,
        at_ms=_now_ms(),
        causation_id=reply.command_id,
        step=reply.step,
        call=reply.direction,
        attempt=reply.attempt,
        outcome=reply.outcome,
        size=len(reply.body),
        body=_kept(reply.body),
    )


def _kept(body: bytes) -> bytes | None:
    return body if len(body) <= MAX_BODY else None


def _now_ms() -> int:
    return int(time.time() * 1000)
