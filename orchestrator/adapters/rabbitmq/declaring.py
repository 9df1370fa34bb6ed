"""Declares a layout on the broker: exchanges, queues, bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aio_pika.exceptions import ChannelPreconditionFailed

from orchestrator.adapters.rabbitmq.layout import Exchange
from orchestrator.errors import TopologyError

if TYPE_CHECKING:
    from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection

    from orchestrator.adapters.rabbitmq.layout import Binding, Layout, Queue


async def declare(connection: AbstractRobustConnection, wanted: Layout) -> None:
    """Make what is missing.

    Raises:
        TopologyError: something exists with other arguments.
    """
    async with connection.channel(publisher_confirms=False) as channel:
        for part in wanted.places:
            try:
                await declare_one(channel, part, passive=False)
            except ChannelPreconditionFailed as error:
                raise TopologyError(
                    f"{part.name} exists with other arguments ({error}): delete it, or choose another SAGA_NAME_PREFIX"
                ) from error
        for binding in wanted.bindings:
            await _bind(channel, binding)


async def _bind(channel: AbstractRobustChannel, binding: Binding) -> None:
    if binding.to == "exchange":
        exchange = await channel.get_exchange(binding.queue, ensure=False)
        await exchange.bind(binding.source, binding.key)
    else:
        queue = await channel.get_queue(binding.queue, ensure=False)
        await queue.bind(binding.source, binding.key)


async def declare_one(channel: AbstractRobustChannel, part: Exchange | Queue, *, passive: bool) -> None:
    """Make one exchange or queue; passive: only look for it."""
    arguments = dict(part.arguments)
    if isinstance(part, Exchange):
        await channel.declare_exchange(
            part.name, part.kind, durable=True, passive=passive, arguments=arguments, robust=False
        )
    else:
        await channel.declare_queue(part.name, durable=True, passive=passive, arguments=arguments, robust=False)
