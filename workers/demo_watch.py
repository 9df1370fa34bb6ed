"""Watches a run's executions in Temporal: which exist, which have ended, and with which word."""

from __future__ import annotations

import asyncio
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.temporal.calls import STATUS
from orchestrator.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from temporalio.client import Client, WorkflowExecution

    from workers.demo_orders import DemoOrder

NEEDS_PERSON = frozenset({"Stuck", "Parked", "Suspended"})
GONE_WORDS: Mapping[WorkflowExecutionStatus | None, str] = MappingProxyType(
    {
        WorkflowExecutionStatus.TERMINATED: "Terminated",
        WorkflowExecutionStatus.TIMED_OUT: "Timed out",
        WorkflowExecutionStatus.FAILED: "Failed",
        WorkflowExecutionStatus.CANCELED: "Canceled",
    }
)
"""Words of executions that were ended from outside: they have no result, and what they did is not undone by that."""
QUIET_S = 120.0
"""Without any change for so long a run is over, whatever is still open, seconds."""
AT_ONCE = 20


class Watcher:
    """Keeps `words` (status word by execution id) true."""

    def __init__(self, client: Client, orders: Sequence[DemoOrder], words: dict[str, str]) -> None:
        self._client = client
        self._ids = [order.execution_id for order in orders]
        self._words = words
        self._ended: set[str] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._changed = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether every order has ended or needs a person, or nothing has changed for long."""
        settled = self._ended | {name for name, word in self._words.items() if word in NEEDS_PERSON}
        return len(settled) == len(self._ids) or time.monotonic() - self._changed > QUIET_S

    async def look(self) -> None:
        """Ask Temporal once for all executions of this run."""
        before = dict(self._words)
        prefix = self._ids[0].rpartition("-")[0]
        found = [row async for row in self._client.list_workflows(f'WorkflowId STARTS_WITH "{prefix}-"')]
        await together(self._take(row) for row in found if row.id not in self._ended)
        if before != self._words:
            self._changed = time.monotonic()

    async def _take(self, row: WorkflowExecution) -> None:
        if row.status is WorkflowExecutionStatus.RUNNING:
            self._words[row.id] = row.typed_search_attributes.get(STATUS) or "Running"
        elif row.status in GONE_WORDS:
            self._words[row.id] = GONE_WORDS[row.status]
            self._ended.add(row.id)
        elif row.status is WorkflowExecutionStatus.COMPLETED:
            async with self._slots:
                await self._take_result(row.id)

    async def _take_result(self, execution_id: str) -> None:
        result = await self._client.get_workflow_handle(execution_id).result()
        self._words[execution_id] = result["word"]
        self._ended.add(execution_id)

    async def find_missing(self) -> None:
        """Ask for each order that no list has shown: visibility is late, but `describe` is not."""
        for execution_id in (name for name in self._ids if name not in self._words):
            try:
                found = await self._client.get_workflow_handle(execution_id).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                continue
            await self._take(found)
