"""The stream `saga.log` as an event store that can be read: every message, in order, as long as the broker keeps it.

A stream is read without taking anything out of it, from any place on, by as many as like. It knows no index: what a
filter does not choose is read and left. A message's number is its offset in the stream plus 1.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aio_pika.exceptions import AMQPException, ChannelNotFoundEntity

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.stored import read_stored
from orchestrator.errors import BrokerUnavailableError, MessageError, OrchestratorError, TopologyError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
    from typing import Self

    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection

    from orchestrator.service.event_ports import EventFilter, Gap
    from orchestrator.settings import Settings
    from orchestrator.stored import Contents, StoredMessage

OFFSET = "x-stream-offset"
PREFETCH = 200
SILENCE_S = 30.0
"""So long the broker may say nothing while it has messages to give, seconds."""
MISSING = "there is no stream {name}: set SAGA_EVENT_STREAM=1, and run `saga topology apply` for what comes from now"
ONE_WAY = "a stream is read from its beginning, and knows no index: ask the event store, without --from-stream"


class StreamEvents:
    """Implements `service.event_ports.EventReader`, as far as a stream can."""

    def __init__(self, connection: AbstractRobustConnection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._names = Names(settings.name_prefix)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncGenerator[Self]:
        """One on a connection of its own.

        Raises:
            BrokerUnavailableError: the broker cannot be reached.
        """
        async with connected(settings, purpose="stream") as connection:
            yield cls(connection, settings)

    async def page(
        self,
        wanted: EventFilter,
        *,
        after: int = 0,
        limit: int = 50,
        newest_first: bool = False,
        contents: Contents = "none",
    ) -> Sequence[StoredMessage]:
        """Messages behind a number, up to where the stream ended when it was asked.

        Raises:
            TopologyError: there is no such stream.
            BrokerUnavailableError: the broker went away meanwhile.
        """
        if newest_first:
            raise OrchestratorError(ONE_WAY)
        found: list[StoredMessage] = []
        async for number, message in self._from(after):
            stored = self._read(message, number)
            if stored is not None and wanted.fits(stored):
                found.append(stored.with_only(contents))
                if len(found) == limit:
                    break
        return found

    async def count(self, wanted: EventFilter, *, cap: int) -> int:
        """How many there are, up to a cap."""
        return len(await self.page(wanted, limit=cap))

    async def gaps(self, *, source: str = "", limit: int = 100) -> Sequence[Gap]:  # noqa: ARG002 - the port's
        """A stream cannot tell."""
        raise OrchestratorError(ONE_WAY)

    async def _from(self, after: int) -> AsyncIterator[tuple[int, AbstractIncomingMessage]]:
        """Every message behind a number that was there when it was asked, with its own."""
        with self._faults():
            async with self._connection.channel(publisher_confirms=False) as channel:
                await channel.set_qos(prefetch_count=PREFETCH)
                queue, last = await self._looked_at(channel)
                async for number, message in self._up_to(queue, after, last):
                    yield number, message

    async def _up_to(
        self, queue: AbstractQueue, after: int, last: int
    ) -> AsyncIterator[tuple[int, AbstractIncomingMessage]]:
        if after >= last:
            return
        async for message in self._consumed(queue, after):
            number = _number(message)
            await message.ack()
            if number > after:
                yield number, message
            if number >= last:
                return

    @contextmanager
    def _faults(self) -> Generator[None]:
        """What goes wrong, in our words."""
        try:
            yield
        except ChannelNotFoundEntity:
            raise TopologyError(MISSING.format(name=self._names.log)) from None
        except (AMQPException, OSError, TimeoutError) as error:
            raise BrokerUnavailableError("the stream", str(error) or type(error).__name__) from error

    async def _looked_at(self, channel: AbstractChannel) -> tuple[AbstractQueue, int]:
        """The stream, and the number of its last message; 0 = it has none."""
        queue = await channel.declare_queue(self._names.log, durable=True, passive=True)
        held = queue.declaration_result.message_count or 0
        if not held:
            return queue, 0
        async for message in self._consumed(queue, 0):
            await message.ack()
            return queue, _number(message) + held - 1
        return queue, 0

    async def _consumed(self, queue: AbstractQueue, offset: int) -> AsyncIterator[AbstractIncomingMessage]:
        """Messages from an offset on; the oldest that is kept, if that is forgotten."""
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        tag = await queue.consume(arrived.put, arguments={OFFSET: offset or "first"})
        try:
            while True:
                yield await asyncio.wait_for(arrived.get(), SILENCE_S)
        finally:
            await queue.cancel(tag)

    def _read(self, message: AbstractIncomingMessage, number: int) -> StoredMessage | None:
        """As the event store has it; None, if that keeps none such. Its time is when it was made."""
        message.headers.pop(OFFSET, None)
        try:
            stored = read_stored(message, self._names, self._settings, 0)
        except MessageError:
            return None
        return replace(stored, number=number, stored_ms=stored.at_ms)


def _number(message: AbstractIncomingMessage) -> int:
    offset: Any = message.headers[OFFSET]
    return int(offset) + 1
