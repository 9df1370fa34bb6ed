"""The publisher: a message counts as sent only when the broker has confirmed that a queue has it.

Its contract: one connection of its own; unroutable messages are told, not swallowed; every publish has a limit in
time; at most `MAX_IN_FLIGHT` wait for their confirm; two messages with one id never do so together; after a drop it
waits until the channel is back. It never repeats a publish by itself: the caller knows what a repeat would mean.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aio_pika import Exchange, exceptions

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.wire import to_amqp
from orchestrator.contracts.codecs.table import JSON_ONLY
from orchestrator.errors import NackedError, PublishError, PublishUnknownError, UnroutableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta
    from typing import Self

    from aio_pika import Message
    from aio_pika.abc import AbstractRobustChannel

    from orchestrator.contracts.codecs.table import Codecs
    from orchestrator.messages import Envelope
    from orchestrator.settings import Settings

MAX_IN_FLIGHT = 100
"""Publishes that wait for their confirm at once; more than that gains nothing."""
REOPEN_PAUSE = 0.02
"""Pause between looks at a closed channel, seconds."""


class Publisher:
    """Publishes with confirm. Open it with `async with Publisher.open(settings) as publisher`.

    Args:
        channel: a channel with confirms and `on_return_raises`; without the latter an unroutable message looks sent.
        timeout: limit of one publish, its waiting for a free place included.
        codecs: which message types travel otherwise than as JSON.
    """

    def __init__(self, channel: AbstractRobustChannel, *, timeout: timedelta, codecs: Codecs = JSON_ONLY) -> None:
        self._channel = channel
        self._timeout = timeout.total_seconds()
        self._codecs = codecs
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._in_flight: dict[str, asyncio.Event] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, purpose: str = "publisher", codecs: Codecs = JSON_ONLY
    ) -> AsyncGenerator[Self]:
        """A publisher on a connection of its own, closed at the end."""
        async with connected(settings, purpose=purpose) as connection:
            channel = connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.initialize()
            yield cls(channel, timeout=settings.publish_timeout, codecs=codecs)  # pyright: ignore[reportArgumentType]

    async def publish(
        self,
        envelope: Envelope,
        *,
        exchange: str,
        routing_key: str,
        reply_to: str = "",
        pairs: str = "",
    ) -> None:
        """Publish, and return when the broker has it. Arguments as in `wire.to_amqp`.

        Raises:
            UnroutableError: no queue is bound for it; nothing was stored.
            NackedError: the broker refused it, most often because a queue is full.
            PublishUnknownError: no confirm came; it may be stored. Publish it again with the same id.
        """
        message = to_amqp(envelope, reply_to=reply_to, pairs=pairs, codecs=self._codecs)
        await self.send(message, exchange=exchange, routing_key=routing_key)

    async def send(self, message: Message, *, exchange: str, routing_key: str) -> None:
        """The same for a message that is already in its wire form."""
        try:
            async with asyncio.timeout(self._timeout), self._alone(message.message_id), self._slots:
                await self._opened()
                await self._confirmed(message, exchange, routing_key)
        except TimeoutError:
            raise PublishUnknownError(
                f"the broker did not confirm {_label(message)} to {exchange!r} within {self._timeout:g} s"
            ) from None

    @asynccontextmanager
    async def _alone(self, message_id: str | None) -> AsyncGenerator[None]:
        """Wait until no other message with this id is in flight.

        The client library finds a returned message by its id alone: of two in flight with one id it would report the
        wrong one, and a lost message would count as confirmed.
        """
        if not message_id:
            yield
            return
        while (earlier := self._in_flight.get(message_id)) is not None:
            await earlier.wait()
        done = self._in_flight[message_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._in_flight[message_id]
            done.set()

    async def _opened(self) -> None:
        """Wait until the channel is open."""
        await self._channel.ready()
        while self._channel.is_closed:
            # Right after a drop the client library still calls a closed channel ready. Without a pause here a caller
            # who tries again at once would never let it learn better.
            await asyncio.sleep(REOPEN_PAUSE)
            await self._channel.ready()

    async def _confirmed(self, message: Message, exchange: str, routing_key: str) -> None:
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        try:
            await Exchange(self._channel, exchange).publish(message, routing_key, mandatory=True)
        except asyncio.CancelledError:
            if task is None or task.cancelling() > cancelled_before:
                raise
            # Nobody cancelled us: this is how the client library tells that the connection was closed.
            raise _lost(message, exchange, "the connection was closed") from None
        except (TypeError, ValueError):
            raise  # the message cannot be written: the caller's fault, and nothing was sent
        except Exception as error:  # a drop shows as any of a dozen classes, `Exception` among them
            raise _told(error, message, exchange, routing_key) from error


def _told(error: Exception, message: Message, exchange: str, routing_key: str) -> PublishError:
    match error:
        case exceptions.PublishError():
            return UnroutableError(exchange=exchange, routing_key=routing_key)
        case exceptions.DeliveryError():
            return NackedError(f"the broker refused {_label(message)} to {exchange!r}: is one of its queues full?")
        case exceptions.ChannelNotFoundEntity() if f"'{exchange}'" in str(error):
            # The channel falls for all in flight; only the text says whose exchange is missing.
            return UnroutableError(exchange=exchange, routing_key=routing_key)
        case _:
            return _lost(message, exchange, str(error) or type(error).__name__)


def _lost(message: Message, exchange: str, why: str) -> PublishUnknownError:
    return PublishUnknownError(f"no confirm came for {_label(message)} to {exchange!r}: {why}")


def _label(message: Message) -> str:
    return f"{message.type or 'a message'} {message.message_id or ''}".strip()
