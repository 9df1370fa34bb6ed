"""The courier: commands and events of executions to the broker, replies back. Implements `service.ports.Courier`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.contracts.protocol import EXECUTION, OPTIONAL, STRAY_REPLY

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractContextManager

    from orchestrator.adapters.rabbitmq.publisher import Publisher
    from orchestrator.adapters.rabbitmq.replies import ReplyDesk
    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope


class RabbitCourier:
    """Carries messages of executions over RabbitMQ."""

    def __init__(self, publisher: Publisher, desk: ReplyDesk, names: Names) -> None:
        self._publisher = publisher
        self._desk = desk
        self._names = names

    @property
    def reply_to(self) -> str:
        """Where participants send replies that somebody in this process waits for."""
        return self._desk.worker_id

    async def send(self, command: Envelope) -> None:
        """Publish a command to its participant's queue, with confirm."""
        await self._publisher.publish(
            command,
            exchange=self._names.commands,
            routing_key=command.type,
            reply_to=self._desk.worker_id,
            pairs=command.id,
        )

    async def publish(self, event: Envelope) -> None:
        """Publish an event, with confirm. Nobody need listen."""
        told = event.with_headers(**{OPTIONAL: "true"})
        await self._publisher.publish(told, exchange=self._names.events, routing_key=event.type)

    async def park(self, event: Envelope, *, code: str, reason: str) -> None:
        """Publish an event that an execution cannot use to parking, with the headers that the relay writes."""
        parked = event.with_headers(**self._why_parked(event, code, reason))
        await self._publisher.publish(parked, exchange=self._names.dead_letters, routing_key=event.type)

    def _why_parked(self, event: Envelope, code: str, reason: str) -> dict[str, str]:
        is_reply = event.type == STRAY_REPLY
        return {
            parking.REASON: code,
            parking.TEXT: reason[: parking.MAX_TEXT],
            parking.EXCHANGE: self._names.replies if is_reply else self._names.events,
            parking.ROUTING_KEY: self._desk.worker_id if is_reply else event.type,
            parking.QUEUE: self._names.replies if is_reply else self._names.ingress,
            parking.TIME: datetime.now(UTC).isoformat(),
            parking.RETRIES: "0",
            parking.CANDIDATES: json.dumps([event.headers[EXECUTION]]),
        }

    def expect(self, command_id: str) -> AbstractContextManager[asyncio.Future[Reply]]:
        """A future for the reply to a command."""
        return self._desk.expect(command_id)
