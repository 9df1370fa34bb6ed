"""A participant on the broker: takes its commands, has the kit carry them out, sends replies and outbox events.

In this order: transaction, publish with confirm, acknowledge. A crash in between brings the command again; the inbox
then answers as before, and what the outbox still holds is sent by the sweep.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.consumer import Consumer, acknowledge, is_gone
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.parking import Why
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.settling import FIRST_PAUSE, LONGEST_PAUSE, Settler
from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.contracts.codecs.table import JSON_ONLY
from orchestrator.contracts.protocol import OPTIONAL, error_body, read_command, refusal_of
from orchestrator.errors import MalformedMessageError, MessageError, PublishError, Rejected, UnroutableError
from orchestrator.participant.outbox import Outbox
from orchestrator.participant.patience import handle_patiently
from orchestrator.service import metrics
from orchestrator.service.about import about
from orchestrator.service.codecs import codecs_of_participant
from orchestrator.service.meters import SILENCE, Meter
from orchestrator.service.tracing import act_of
from orchestrator.service.tracing_participants import handling

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.contracts.codecs.table import Codecs
    from orchestrator.messages import Envelope
    from orchestrator.participant import Participant
    from orchestrator.participant.handling import Answer
    from orchestrator.participant.ports import Store
    from orchestrator.service.tracing import Tracing
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)


def never(_: Envelope) -> bool:
    """No drill."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """Faults on purpose, for demos and tests.

    Attributes:
        withholds: the reply to this command is not sent this time.
        tells_first: events that this command caused are sent before its reply.
    """

    withholds: Callable[[Envelope], bool] = never
    tells_first: Callable[[Envelope], bool] = never


class ParticipantServer:
    """Serves one participant's queue. Open it with `async with ParticipantServer.open(...)`."""

    def __init__(
        self,
        participant: Participant,
        store: Store,
        settings: Settings,
        publisher: Publisher,
        *,
        codecs: Codecs = JSON_ONLY,
        tracing: Tracing | None = None,
        meter: Meter = SILENCE,
    ) -> None:
        self._tracing = tracing
        self._meter = meter
        self._participant = participant
        self._store = store
        self._settings = settings
        self._publisher = publisher
        self._names = Names(settings.name_prefix)
        self.queue = self._names.command_queue(participant.name)
        self._settler = Settler(publisher, self._names, self.queue)
        self._outbox = Outbox(store, self._publish_event)
        self._consumer: Consumer | None = None
        name = (participant.name,)
        meter.observe(metrics.OUTBOX_WAITING, lambda: [(self._outbox.waiting, name)])
        meter.observe(metrics.OUTBOX_AGE, lambda: [(self._outbox.age(datetime.now(UTC)).total_seconds(), name)])
        self._codecs = codecs
        self.drill = Drill()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        participant: Participant,
        store: Store,
        settings: Settings,
        *,
        drill: Drill | None = None,
        tracing: Tracing | None = None,
        meter: Meter = SILENCE,
    ) -> AsyncGenerator[ParticipantServer]:
        """Serve while the block runs; at its end commands in hand are finished first.

        Raises:
            TopologyError: the participant's queue does not exist.
            MissingExtraError: one of its messages travels by a codec whose library is not installed.
            UncarriableError: one of them has something that its codec cannot carry.
        """
        purpose = f"participant {participant.name}"
        codecs = codecs_of_participant(participant, settings)
        async with Publisher.open(settings, purpose=purpose, codecs=codecs) as publisher:
            server = cls(participant, store, settings, publisher, codecs=codecs, tracing=tracing, meter=meter)
            server.drill = drill or server.drill
            async with (
                server._outbox.sweeping(),
                connected(settings, purpose=purpose) as connection,
                Consumer(connection, server.queue, server._take, prefetch=settings.prefetch) as consumer,
            ):
                server._consumer = consumer
                yield server
                await consumer.drain(settings.drain_timeout)

    async def is_healthy(self) -> bool:
        """Whether its queue is consumed."""
        return self._consumer is not None and await self._consumer.is_healthy()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        try:
            command = from_amqp(message, max_body_bytes=self._settings.max_body_bytes, codecs=self._codecs)
        except MessageError as error:
            self._count_refused()
            await self._settler.park(message, Why(error.reason, str(error)))
            return
        one = act_of(command)
        with about(
            one.execution_id, command.correlation_id, step=one.step, direction=one.direction, attempt=one.number
        ):
            await self._take_command(message, command)

    async def _take_command(self, message: AbstractIncomingMessage, command: Envelope) -> None:
        try:
            answer = await self._handle(command)
        except MessageError as error:
            self._count_refused()
            await self._turn_away(message, command, error)
            return
        if await self._tell(message, command, answer):
            await acknowledge(message)

    def _count_refused(self) -> None:
        self._meter.add(metrics.PARTICIPANT_COMMANDS, 1, self._participant.name, "", "refused")

    async def _handle(self, command: Envelope) -> Answer:
        began = time.monotonic()
        with handling(self._tracing, command, self.queue) as held:
            answer = await handle_patiently(self._participant, self._store, held.command)
            held.answered(answer.reply)
        # One that nobody here knows does not come so far: its type may be anything.
        way = (self._participant.name, command.type)
        self._meter.add(metrics.PARTICIPANT_COMMANDS, 1, *way, held.outcome)
        self._meter.record(metrics.PARTICIPANT_DURATION, time.monotonic() - began, *way)
        return answer

    async def _tell(self, message: AbstractIncomingMessage, command: Envelope, answer: Answer) -> bool:
        """Send reply and events; False: the message's channel is gone. Events that fail stay in the outbox."""
        if self.drill.tells_first(command):
            await self._outbox.send(answer.events)
        told = self.drill.withholds(command) or await self._reply(message, answer.reply)
        if not self.drill.tells_first(command):
            await self._outbox.send(answer.events)
        return told

    async def _publish_event(self, event: Envelope) -> None:
        told = event.with_headers(**{OPTIONAL: "true"})
        await self._publisher.publish(told, exchange=self._names.events, routing_key=event.type)

    async def _turn_away(self, message: AbstractIncomingMessage, command: Envelope, error: MessageError) -> None:
        """Park a command, and tell the saga, if it can be told: it would only send the same again.

        The answer is `failed`, not `rejected`: another version of this participant might carry the command out, so
        this is no verdict on its key.
        """
        failure = Rejected(str(error), code=error.reason, retryable=True)
        try:
            read_command(command)
        except MalformedMessageError:
            pass  # it does not say to which step an answer would belong
        else:
            reply = refusal_of(command, source=self._participant.name, rejected=failure, body=error_body(failure))
            await self._reply(message, reply)
        await self._settler.park(message, Why(error.reason, str(error)))

    async def _reply(self, message: AbstractIncomingMessage, reply: Envelope) -> bool:
        """Publish until it is confirmed. False: the message's channel is gone, and the message comes again."""
        pause = FIRST_PAUSE
        while not is_gone(message):
            try:
                await self._send_reply(message.reply_to or "", reply)
            except PublishError as error:
                log.warning("cannot reply to a command of %s, trying again: %s", self.queue, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return True
        return False

    async def _send_reply(self, reply_to: str, reply: Envelope) -> None:
        """To the `reply_to` of the message it answers: a repeat may come from another worker than the first copy."""
        pairs = reply.causation_id
        try:
            await self._publisher.publish(reply, exchange=self._names.replies_sent, routing_key=reply_to, pairs=pairs)
        except UnroutableError:
            log.warning("nobody is bound for replies to %r: sent to the queue that all workers share", reply_to)
            await self._publisher.publish(reply, exchange=self._names.replies_late, routing_key=reply_to, pairs=pairs)
