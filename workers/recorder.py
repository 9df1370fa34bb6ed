"""The recorder: what passes over the broker is kept in the database.

It does two things, each in a file of its own: `message_recorder` appends every message to the event store, and
`parking_recorder` copies parked messages into the ledger and sends back what people redrive. It stands between nobody:
while it, the database or the broker is away, messages wait in their queues and redrives in the ledger. Several may run.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.parked import RabbitRedriver
from orchestrator.adapters.sql.databases import make_folder, writing_to
from orchestrator.together import stop
from workers.measuring import open_measuring
from workers.message_recorder import MessageRecorder
from workers.parking_recorder import ParkingRecorder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.settings import Settings
    from workers.measuring import Measuring


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorder that is open: what health checks look at. `messages`: None if no event store is kept."""

    parking: ParkingRecorder
    messages: MessageRecorder | None
    measuring: Measuring | None

    async def is_ready(self) -> bool:
        """Whether messages are taken, and the database takes them."""
        parts = [part for part in (self.parking, self.messages) if part is not None]
        return all([part.gate.is_open and await part.is_healthy() for part in parts])


@asynccontextmanager
async def open_recorder(settings: Settings) -> AsyncGenerator[Recording]:
    """A recorder at work while the block runs.

    Raises:
        BrokerUnavailableError: the broker cannot be reached.
        TopologyError: it has not the queues; run `saga topology apply`.
        LedgerOutdatedError: the ledger's tables are of another version; run `saga ledger migrate`.
    """
    make_folder(settings.ledger)
    async with AsyncExitStack() as stack:
        measured = await stack.enter_async_context(open_measuring(settings, "saga recorder"))
        engine = await stack.enter_async_context(writing_to(settings.ledger))
        redriver = await stack.enter_async_context(RabbitRedriver.open(settings, purpose="recorder"))
        connection = await stack.enter_async_context(connected(settings, purpose="recorder"))
        recording = Recording(
            ParkingRecorder(settings, engine, redriver),
            MessageRecorder(settings, engine) if settings.event_store else None,
            measured,
        )
        parts = [part for part in (recording.parking, recording.messages) if part is not None]
        for part in parts:
            await stack.enter_async_context(part.consuming(connection))
        tasks = [asyncio.create_task(part.go_on()) for part in parts]
        if measured is not None:
            gates = {"parked messages": recording.parking, "event store": recording.messages}
            if recording.messages is not None:
                measured.event_store(recording.messages)
            measured.consuming(**{name: part.gate for name, part in gates.items() if part is not None})
        try:
            yield recording
        finally:
            await stop(*tasks)
