"""A worker of some sagas on a corner of the broker, in this process, and what a test does with it."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.messages import Envelope
from tests.rabbitmq_kit import Corner, corner, until
from workers.saga_worker import Running, open_worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from temporalio.client import WorkflowHandle

    from orchestrator import Event, Saga


@dataclass
class Place:
    """The worker while it is open. `key`: a fresh key for an execution."""

    corner: Corner
    running: Running
    key: str = field(default_factory=lambda: secrets.token_hex(4))

    async def send(self, event: Event, message_id: str) -> None:
        body = event.model_dump_json().encode()
        envelope = Envelope(id=message_id, source="test", type=event.message_type, body=body)
        async with Publisher.open(self.corner.settings) as publisher:
            await publisher.publish(envelope, exchange=self.corner.names.events, routing_key=event.message_type)

    async def begin(self, saga: Saga, event: Event) -> WorkflowHandle[Any, Any]:
        """The execution that `event` starts, once it runs."""
        started = self.running.relay.counts.started
        await self.send(event, f"start-{self.key}")
        await until(lambda: self.running.relay.counts.started == started + 1)
        return self.running.client.get_workflow_handle(f"{saga.name}:{self.key}")


@asynccontextmanager
async def working(folder: Path, sagas: Sequence[Saga], **changes: Any) -> AsyncGenerator[Place]:
    """A worker of these sagas, under names of its own; `changes`: of the settings."""
    database = SecretStr(f"sqlite:///{folder / 'worker.db'}")
    queue = f"test-{secrets.token_hex(4)}"
    async with corner([saga.plan for saga in sagas], task_queue=queue, database_url=database, **changes) as there:
        async with open_worker(sagas, there.settings, {}) as running:
            yield Place(there, running)
