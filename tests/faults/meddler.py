"""Stands between exchanges and a queue, and hands on what comes thrice, or in another order."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aio_pika import Message

from orchestrator.adapters.rabbitmq.management import open_management

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aio_pika.abc import AbstractIncomingMessage

    from tests.rabbitmq_kit import Corner

WINDOW = 50
QUIET_S = 0.1
"""What has come is handed on when the window is full, or nothing more has come for so long."""


@dataclass
class Meddler:
    """What it does to messages, and what it has done.

    Attributes:
        copies: how often each message is handed on.
        shuffles: whether a window of them is mixed first.
        taken, given: messages. `moved`: those that somebody overtook.
    """

    corner: Corner
    copies: int = 1
    shuffles: bool = False
    taken: int = 0
    given: int = 0
    moved: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    async def stand_before(self, queue: str) -> None:
        """From now on what is routed to this queue comes here first."""
        names, mine = self.corner.names, f"{queue}.meddler"
        async with open_management(self.corner.settings) as management, self.corner.connection.channel() as channel:
            assert management is not None
            bound = [
                one
                for one in await management.bindings()
                if one.queue == queue and one.source in (names.events, names.commands, names.replies)
            ]
            assert bound
            made = await channel.declare_queue(mine, durable=True, arguments={"x-queue-type": "quorum"})
            old = await channel.get_queue(queue, ensure=False)
            for one in bound:
                await made.bind(one.source, one.key)
                await old.unbind(one.source, one.key)

    async def meddle(self, queue: str) -> None:
        """Hand on to this queue what comes, until cancelled."""
        window: list[AbstractIncomingMessage] = []
        incoming: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        async with self.corner.connection.channel() as channel:
            await channel.set_qos(prefetch_count=WINDOW)
            source = await channel.get_queue(f"{queue}.meddler", ensure=False)
            await source.consume(incoming.put)
            while True:
                try:
                    wait = QUIET_S if window else None
                    window.append(await asyncio.wait_for(incoming.get(), wait))
                    if len(window) < WINDOW:
                        continue
                except TimeoutError:
                    pass
                await self._hand_on(queue, window)
                window = []

    async def _hand_on(self, queue: str, window: Sequence[AbstractIncomingMessage]) -> None:
        order = [message for message in window for _ in range(self.copies)]
        if self.shuffles:
            self.dice.shuffle(order)
            self.moved += sum(1 for before, after in zip(window, order, strict=False) if before is not after)
        async with self.corner.connection.channel() as channel:
            for message in order:
                copy = Message(
                    message.body,
                    headers=message.headers,
                    delivery_mode=2,
                    message_id=message.message_id,
                    correlation_id=message.correlation_id,
                    reply_to=message.reply_to,
                    content_type=message.content_type,
                )
                await channel.default_exchange.publish(copy, routing_key=queue)
        for message in window:
            await message.ack()
        self.taken += len(window)
        self.given += len(order)


@asynccontextmanager
async def meddling(
    corner: Corner, queues: Sequence[str], *, copies: int = 1, shuffles: bool = False
) -> AsyncGenerator[Meddler]:
    """A meddler before each of these queues, while the block runs."""
    made = Meddler(corner, copies, shuffles)
    for queue in queues:
        await made.stand_before(queue)
    tasks = [asyncio.create_task(made.meddle(queue)) for queue in queues]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
