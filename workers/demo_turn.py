"""The demo's turn: its names are its own. Two at once would serve each other's orders, and neither would balance."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiormq.exceptions import ChannelLockedResource

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.errors import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aio_pika.abc import AbstractRobustConnection

    from orchestrator.settings import Settings

REMEDY = "or give this one a SAGA_NAME_PREFIX of its own"


@asynccontextmanager
async def own_turn(settings: Settings) -> AsyncGenerator[None]:
    """The turn while the block runs: a queue that only its connection may use, so the broker frees it with us.

    Raises:
        OrchestratorError: another demo has it.
    """
    async with connected(settings, purpose="demo") as connection:
        channel = connection.channel()
        await channel.initialize()
        try:
            await channel.declare_queue(f"{settings.name_prefix}.turn", exclusive=True)
        except ChannelLockedResource:
            raise OrchestratorError(
                f"another demo is at work on this broker under the names {settings.name_prefix}.*: "
                f"wait until it has ended, {REMEDY}"
            ) from None
        yield


async def refuse_strangers(settings: Settings, participants: Sequence[str]) -> None:
    """Make sure that nobody else takes the demo's messages; its topology is there.

    Raises:
        OrchestratorError: somebody does: what a demo that was killed has left, most often.
    """
    names = Names(settings.name_prefix)
    async with connected(settings, purpose="demo") as connection:
        queues = [names.ingress, *map(names.command_queue, participants)]
        taken = [queue for queue in queues if await consumers_of(connection, queue)]
    if taken:
        raise OrchestratorError(
            f"somebody consumes {', '.join(taken)} already, perhaps what a demo that was killed has left: end these "
            f"`saga worker` and `saga participant`, {REMEDY}"
        )


async def consumers_of(connection: AbstractRobustConnection, queue: str) -> int:
    """How many consumers a queue has; on a channel of its own, since a robust one remembers what it declared."""
    async with connection.channel() as channel:
        found = await channel.declare_queue(queue, passive=True)
    return found.declaration_result.consumer_count or 0
