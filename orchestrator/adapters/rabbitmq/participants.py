"""A participant on the broker: takes its commands, has the kit carry them out, sends replies and outbox events.

In this order: transaction, publish with confirm, acknowledge. A crash in between brings the command again; the inbox
then answers as before, and what the outbox still holds is sent by the sweep.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.consumer import Consumer, acknowledge
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.parking import Why
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.settling import Settler
from orchestrator.adapters.rabbitmq.wire import from_amqp
from orchestrator.errors import MessageError, PublishError
from orchestrator.participant.handling import handle

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.messages import Envelope
    from orchestrator.participant import Participant
    from orchestrator.participant.ports import Store
    from orchestrator.settings import Settings

log = logging.getLogger(__name__)

SWEEP_S = 1.0
"""How often the outbox is looked through for events that a crash or a fault left behind, seconds."""
BATCH = 200


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

    def __init__(self, participant: Participant, store: Store, settings: Settings, publisher: Publisher) -> None:
        self._participant = participant
        self._store = store
        self._settings = settings
        self._publisher = publisher
        self._names = Names(settings.name_prefix)
        self.queue = self._names.command_queue(participant.name)
        self._settler = Settler(publisher, self._names, self.queue)
        self._sweeping = asyncio.Lock()
        self.drill = Drill()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, participant: Participant, store: Store, settings: Settings, *, drill: Drill | None = None
    ) -> AsyncGenerator[ParticipantServer]:
        """Serve while the block runs; at its end commands in hand are finished first.

        Raises:
            TopologyError: the participant's queue does not exist.
        """
        purpose = f"participant {participant.name}"
        async with Publisher.open(settings, purpose=purpose) as publisher:
            server = cls(participant, store, settings, publisher)
            server.drill = drill or server.drill
            sweep = asyncio.create_task(server._sweep_forever())
            try:
                async with (
                    connected(settings, purpose=purpose) as connection,
                    Consumer(connection, server.queue, server._take, prefetch=settings.prefetch) as consumer,
                ):
                    yield server
                    await consumer.drain(settings.drain_timeout)
            finally:
                sweep.cancel()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        try:
            command = from_amqp(message, max_body_bytes=self._settings.max_body_bytes)
            reply = await handle(self._participant, self._store, command)
        except MessageError as error:
            await self._settler.park(message, Why(error.reason, str(error)))
            return
        if self.drill.tells_first(command):
            await self._send_outbox()
        if not self.drill.withholds(command):
            await self._reply(message.reply_to, command, reply)
        await self._send_outbox()
        await acknowledge(message)

    async def _reply(self, reply_to: str | None, command: Envelope, reply: Envelope) -> None:
        """To the `reply_to` of the message it answers: a repeat may come from another worker than the first copy."""
        exchange = self._names.replies if reply_to else self._names.replies_late
        await self._publisher.publish(reply, exchange=exchange, routing_key=reply_to or "", pairs=command.id)

    async def _send_outbox(self) -> None:
        async with self._sweeping:
            while rows := await self._store.unsent(BATCH):
                sending = (
                    self._publisher.publish(event, exchange=self._names.events, routing_key=event.type)
                    for _, event in rows
                )
                await asyncio.gather(*sending)
                await self._store.mark_sent([number for number, _ in rows])

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self._send_outbox()
            except PublishError as error:
                log.warning("events of %s wait in the outbox: %s", self._participant.name, error)
            await asyncio.sleep(SWEEP_S)
