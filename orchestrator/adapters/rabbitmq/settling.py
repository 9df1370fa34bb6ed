"""Settling: what becomes of a message in hand. Whatever it is, it is durable before the message is acknowledged."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.consumer import acknowledge, is_gone
from orchestrator.adapters.rabbitmq.ladder import Ladder, RetryStrategy, copy_of
from orchestrator.adapters.rabbitmq.parking import Parking, Why
from orchestrator.errors import PublishError
from orchestrator.service.about import ids

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.adapters.rabbitmq.names import Names, RetryStep
    from orchestrator.adapters.rabbitmq.publisher import Publisher

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.2
"""Pause before a refused publish is tried again, seconds; it doubles."""
LONGEST_PAUSE = 30.0


class Settler:
    """Settles messages of one queue. Each method returns False if the channel was gone, and the message comes again."""

    def __init__(
        self, publisher: Publisher, names: Names, queue: str, *, retrying: RetryStrategy | None = None
    ) -> None:
        self.queue = queue
        self._publisher = publisher
        self._ladder = retrying or Ladder(publisher, names)
        self._parking = Parking(publisher, names)

    async def acknowledge(self, message: AbstractIncomingMessage) -> bool:
        """It is done with."""
        return await acknowledge(message)

    async def put_off(
        self, message: AbstractIncomingMessage, step: RetryStep, *, settled: tuple[str, ...] = ()
    ) -> bool:
        """It comes back after `step`; `settled` executions have taken it."""
        return await self._move(
            message, lambda: self._ladder.put_off(message, queue=self.queue, step=step, settled=settled)
        )

    async def park(self, message: AbstractIncomingMessage, why: Why) -> bool:
        """A person must look at it."""
        log.warning(
            "parked a message of %s: %s: %s",
            self.queue,
            why.reason,
            why.text,
            extra=ids(why.candidates[0]) if len(why.candidates) == 1 else {},
        )
        return await self._move(message, lambda: self._parking.park(message, queue=self.queue, why=why))

    async def pass_on(self, message: AbstractIncomingMessage, *, exchange: str, routing_key: str) -> bool:
        """Others shall handle it: published as it is to `exchange`."""
        copy = copy_of(message, {})
        return await self._move(message, lambda: self._publisher.send(copy, exchange=exchange, routing_key=routing_key))

    async def _move(self, message: AbstractIncomingMessage, publish: Callable[[], Awaitable[None]]) -> bool:
        """Publish until it is confirmed, then acknowledge. The message stays in hand meanwhile."""
        pause = FIRST_PAUSE
        while not is_gone(message):
            try:
                await publish()
            except PublishError as error:
                log.warning("cannot move a message of %s, trying again: %s", self.queue, error)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads workers, keeps no secret
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return await acknowledge(message)
        return False
