"""A part of the broker for one row: exchanges and queues under a prefix of its own, removed at the end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.layout import layout
from orchestrator.adapters.rabbitmq.management import open_management
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.topology import apply_topology

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from orchestrator.saga.plan import Plan
    from orchestrator.settings import Settings


@asynccontextmanager
async def corner(settings: Settings, plans: Sequence[Plan]) -> AsyncGenerator[None]:
    """All that these plans need of the broker, while the block runs."""
    await apply_topology(settings, plans)
    try:
        yield
    finally:
        await _remove(settings, plans)


async def _remove(settings: Settings, plans: Sequence[Plan]) -> None:
    wanted = layout(Names(settings.name_prefix), plans)
    async with open_management(settings) as management, connected(settings, purpose="removal") as connection:
        channel = await connection.channel()
        queues = await management.queues() if management else ()
        for name in (name for name in queues if name.startswith(f"{settings.name_prefix}.")):
            await channel.queue_delete(name)
        for exchange in wanted.exchanges:
            await channel.exchange_delete(exchange.name)
        if management:
            for policy in wanted.policies:
                await management.delete_policy(policy.name)
