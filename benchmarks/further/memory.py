"""Memory of one worker process with 10,000 open sagas, and what it takes to end them."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from typing import TYPE_CHECKING, Any

from benchmarks.further.counting import Count, GoneOn, placed, saga_of, stage_of
from benchmarks.processes import Process
from benchmarks.rows.ours import trigger_of
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.worker import saga_worker
from orchestrator.messages import Envelope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from temporalio.client import Client

    from benchmarks.processes import Watched
    from benchmarks.rows.opened import Place
    from orchestrator import Saga

SAGAS = 10_000
WARM = 500
"""Sagas that run before the first look: what a worker loads once is not a saga's."""
AT_ONCE = 32
"""Starts and signals under way together."""


async def measure(place: Place, servers: Mapping[str, Watched]) -> dict[str, Any]:
    """Bytes of this process for each saga that waits for an event after its first step."""
    client = await connect(place.settings)
    saga, counted = saga_of(2, waits=True), Count()
    crowd = Crowd(client, TemporalExecutions(client, place.settings), saga, place.run)
    async with saga_worker(client, stage_of([saga], counted), place.settings):
        await crowd.open(range(WARM))
        await crowd.end(range(WARM))
        gc.collect()
        before, began = Process(os.getpid()).rss_bytes(), time.monotonic()
        numbers = range(WARM, WARM + SAGAS)
        await crowd.open(numbers)
        opened_s = time.monotonic() - began
        gc.collect()
        after = Process(os.getpid()).rss_bytes()
        await crowd.end(numbers)
    surplus = len(counted.made) - 2 * (WARM + SAGAS)
    return {
        "sagas": SAGAS,
        "rss_before_bytes": before,
        "rss_open_bytes": after,
        "kib_per_open_saga": (after - before) / SAGAS / 1024,
        "opened_per_s": SAGAS / opened_s,
        "temporal_rss_bytes": servers["temporal"].rss_bytes(),
        "faults": [f"{surplus} effects too many"] if surplus else [],
    }


class Crowd:
    """Sagas that are opened and ended by number."""

    def __init__(self, client: Client, executions: TemporalExecutions, saga: Saga, run: str) -> None:
        self._client = client
        self._executions = executions
        self._saga = saga
        self._run = run
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def open(self, numbers: range) -> None:
        """Start them, and see each reach its wait."""
        await asyncio.gather(*(self._open(number) for number in numbers))

    async def _open(self, number: int) -> None:
        async with self._slots:
            order = placed(self._run, number)
            envelope, payload = trigger_of(order)
            execution = self._saga.plan.execution_id(order.order_id)
            await self._executions.start(self._saga.plan, execution, envelope, payload)
            # An answer shows that the first step is done: the first workflow task is recorded only then.
            await self._client.get_workflow_handle(execution).query("status")

    async def end(self, numbers: range) -> None:
        """Send each the event that it waits for, and await its end."""
        await asyncio.gather(*(self._end(number) for number in numbers))

    async def _end(self, number: int) -> None:
        async with self._slots:
            event = GoneOn(order_id=placed(self._run, number).order_id)
            body = event.model_dump_json().encode()
            execution = self._saga.plan.execution_id(event.order_id)
            told = Envelope(id=f"on-{event.order_id}", source="benchmarks", type=event.message_type, body=body)
            await self._executions.deliver(execution, told, event.model_dump(mode="json"))
            await self._client.get_workflow_handle(execution).result()
