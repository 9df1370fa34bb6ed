"""The consumer: hands messages of one queue to a function, in tasks of its own.

The client library cancels its callbacks when a connection drops, in the middle of whatever they await. So the
callback here only starts a task; the task goes on, and a message that is settled after the drop simply comes again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    MessageProcessError,
)

from orchestrator.errors import TopologyError
from orchestrator.together import stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta
    from typing import Self

    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection
    from aio_pika.abc import AbstractRobustQueue as Queue

    Handle: TypeAlias = Callable[[AbstractIncomingMessage], Awaitable[None]]
    OpenQueue: TypeAlias = Callable[[AbstractRobustChannel], Awaitable[Queue]]

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Pause before a fault is tried again, seconds."""
RPC_TIMEOUT = 10.0
"""Limit of one request to the broker, seconds."""


class Consumer:
    """Consumes one queue while it is open: `async with Consumer(connection, queue, handle, prefetch=50)`.

    Args:
        connection: not the one that publishes.
        queue: its name.
        handle: settles the message (`acknowledge`, `give_back`, or `Settler`). A fault that it lets through is logged
            and the message given back after a pause; the queue's delivery limit ends that.
        prefetch: messages in hand at once; also the bound of tasks that run, those begun before a drop included.
        open_queue: how to get the queue; unless given it must exist.
    """

    def __init__(
        self,
        connection: AbstractRobustConnection,
        queue: str,
        handle: Handle,
        *,
        prefetch: int,
        open_queue: OpenQueue | None = None,
    ) -> None:
        self.queue = queue
        self._connection = connection
        self._handle = handle
        self._prefetch = prefetch
        self._open_queue = open_queue or self._existing
        self._tag = ""
        self._slots = asyncio.Semaphore(prefetch)
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._consuming = False

    async def __aenter__(self) -> Self:
        """Begin to consume.

        Raises:
            TopologyError: the queue does not exist.
        """
        self._channel: AbstractRobustChannel = self._connection.channel()
        await self._channel.initialize()
        await self._channel.set_qos(prefetch_count=self._prefetch)
        try:
            self._source = await self._open_queue(self._channel)
        except ChannelNotFoundEntity as error:
            remedy = "run `saga topology apply`, with the same --sagas"
            raise TopologyError(f"cannot consume {self.queue!r} ({error}): {remedy}") from None
        await self.resume()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop at once; what is in hand goes back to the queue. Call `drain` before to let it end."""
        await self.drain(None)

    @property
    def is_paused(self) -> bool:
        """Whether it was told not to consume."""
        return not self._consuming

    @property
    def in_hand(self) -> int:
        """Messages that are being handled."""
        return len(self._tasks)

    async def pause(self) -> None:
        """Take no more messages; those in hand stay in hand."""
        async with self._turn:
            if not self._consuming:
                return
            self._consuming = False
            # The tag is forgotten before the broker is asked, so a drop meanwhile does not bring the consumer back.
            with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
                async with asyncio.timeout(RPC_TIMEOUT):
                    await self._source.cancel(self._tag)

    async def resume(self) -> None:
        """Take messages again. Goes on trying while the broker is away or the queue is missing."""
        async with self._turn:
            while not self._consuming:
                try:
                    await self._channel.ready()
                    await self._probe()
                    # A new tag each time: told an old one while messages of it are still in hand, a quorum queue hands
                    # them over again on the same channel, and RabbitMQ 3.10 ends the connection (541).
                    self._tag = f"{self.queue}:{secrets.token_hex(6)}"
                    await self._source.consume(self._take, consumer_tag=self._tag, timeout=RPC_TIMEOUT)
                    self._consuming = True
                except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
                    log.warning("cannot consume %s, trying again: %s", self.queue, error)
                    await asyncio.sleep(PAUSE)

    async def drain(self, within: timedelta | None) -> None:
        """Stop: take no more, let those in hand end for at most `within` (None = not at all), close the channel.

        In this order: closing a channel while acknowledgements are on their way makes the broker end the connection.
        """
        await self.pause()
        if within is not None and self._tasks:
            await asyncio.wait(self._tasks, timeout=within.total_seconds())
        await stop(*self._tasks)
        with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
            async with asyncio.timeout(RPC_TIMEOUT):
                await self._channel.close()

    async def is_healthy(self) -> bool:
        """Whether it does what it was told: paused, or known to the broker as one of at least one consumer."""
        if not self._consuming:
            return True
        with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
            async with asyncio.timeout(RPC_TIMEOUT):
                known = self._tag in getattr(await self._channel.get_underlay_channel(), "consumers", {})
                return known and await self._probe() >= 1
        return False

    async def _probe(self) -> int:
        """How many consumers the queue has. On a channel of its own: a missing queue would cost us ours."""
        async with self._connection.channel(publisher_confirms=False) as channel:
            queue = await channel.declare_queue(self.queue, passive=True, timeout=RPC_TIMEOUT)
            return queue.declaration_result.consumer_count or 0

    async def _existing(self, channel: AbstractRobustChannel) -> Queue:
        return await channel.declare_queue(self.queue, passive=True)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        task = asyncio.create_task(self._run(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, message: AbstractIncomingMessage) -> None:
        async with self._slots:
            if is_gone(message):
                return  # it came before a drop and waited here: the broker hands it over again
            try:
                await self._handle(message)
            except Exception:
                log.exception("a message of %s could not be handled and goes back", self.queue)
                await asyncio.sleep(PAUSE)
                await give_back(message)


def is_gone(message: AbstractIncomingMessage) -> bool:
    """Whether the channel over which it came is closed: it cannot be settled, and comes again."""
    try:
        return bool(message.channel.is_closed)
    except ChannelInvalidStateError:
        return True


async def acknowledge(message: AbstractIncomingMessage, *, all_before: bool = False) -> bool:
    """Acknowledge; `all_before`: with all that came before it on its channel and are not settled.

    False: the channel is gone, the message comes again.
    """
    return await _settled(message.ack(multiple=all_before))


async def give_back(message: AbstractIncomingMessage) -> bool:
    """Put it back into its queue. Counts towards the queue's delivery limit, so never in a loop without a pause."""
    return await _settled(message.nack(requeue=True))


async def _settled(settling: Awaitable[None]) -> bool:
    task = asyncio.current_task()
    cancelled_before = task.cancelling() if task else 0
    try:
        await settling
    except MessageProcessError:
        raise  # settled twice: a fault of ours
    except CONNECTION_EXCEPTIONS:
        return False
    except asyncio.CancelledError:
        if task is None or task.cancelling() > cancelled_before:
            raise
        return False  # nobody cancelled us: the client library's way to say that the connection was closed
    return True
