"""Temporal for those who must answer in time: that it is away is said after a few seconds, not waited for.

The client connects with its first call (see `connect_later`), so a process starts while Temporal is away.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.errors import EngineUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.adapters.temporal.gateway import TemporalExecutions
    from orchestrator.adapters.temporal.live import TemporalLive
    from orchestrator.contracts.protocol import Reply
    from orchestrator.engine.signals import CompensateRequested, Operator
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.live import Seen, Taken
    from orchestrator.service.ports import Delivery

PATIENCE = timedelta(seconds=10)
"""How long a call may take; a worker that answers a query has five of them."""
NOT_CONNECTED = "Failed client connect"
"""How the SDK's plain RuntimeError begins when its first call finds nobody."""


@asynccontextmanager
async def in_time(patience: timedelta = PATIENCE) -> AsyncGenerator[None]:
    """Say that Temporal is away when it does not answer.

    Raises:
        EngineUnavailableError: nobody is there, or no answer came; a command may still be taken.
    """
    try:
        async with asyncio.timeout(patience.total_seconds()):
            yield
    except TimeoutError:
        raise EngineUnavailableError(f"Temporal did not answer within {patience.total_seconds():g} s") from None
    except RuntimeError as error:
        if not str(error).startswith(NOT_CONNECTED):
            raise
        raise EngineUnavailableError("Temporal cannot be reached: check SAGA_TEMPORAL_ADDRESS") from error


class ReachedLive:
    """Executions in Temporal. Implements `service.live.Live`."""

    def __init__(self, live: TemporalLive, patience: timedelta = PATIENCE) -> None:
        self._live = live
        self._patience = patience

    async def look(self, execution_id: str) -> Seen | None:
        """As it is now."""
        async with in_time(self._patience):
            return await self._live.look(execution_id)

    async def command(self, workflow_id: str, command: Operator, *, revision: int | None = None) -> Taken:
        """Give a command."""
        async with in_time(self._patience):
            return await self._live.command(workflow_id, command, revision=revision)

    async def begin_undo(self, seed: Seen, command: CompensateRequested) -> bool:
        """Start the linked run."""
        async with in_time(self._patience):
            return await self._live.begin_undo(seed, command)


class ReachedExecutions:
    """Starts in Temporal. Implements `service.ports.Executions`."""

    def __init__(self, executions: TemporalExecutions, patience: timedelta = PATIENCE) -> None:
        self._executions = executions
        self._patience = patience

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start it."""
        async with in_time(self._patience):
            return await self._executions.start(plan, execution_id, trigger, payload)

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """Signal an event."""
        async with in_time(self._patience):
            return await self._executions.deliver(execution_id, event, payload)

    async def answer(self, reply: Reply) -> Delivery:
        """Signal a late reply."""
        async with in_time(self._patience):
            return await self._executions.answer(reply)

    async def is_available(self) -> bool:
        """Whether Temporal answers."""
        try:
            async with in_time(self._patience):
                return await self._executions.is_available()
        except EngineUnavailableError:
            return False
