"""From an event's publication to the beginning of its saga's first step, through the relay of a whole worker."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.broker import corner
from benchmarks.further.counting import Count, placed, saga_of
from benchmarks.rows.ours import trigger_of
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from workers.saga_worker import open_worker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.processes import Watched
    from benchmarks.rows.opened import Place

EVENTS = 200
LIMIT_S = 60.0


async def measure(place: Place, servers: Mapping[str, Watched]) -> dict[str, Any]:  # noqa: ARG001 - one shape for all
    """Latency of events that come one after the other, milliseconds, the publisher's confirm included."""
    saga, watch = saga_of(2), Steps()
    events = Names(place.settings.name_prefix).events
    latencies: list[float] = []
    async with (
        corner(place.settings, [saga.plan]),
        open_worker([saga], place.settings, {Count: watch.counted}),
        Publisher.open(place.settings) as publisher,
    ):
        for number in range(EVENTS):
            envelope, _ = trigger_of(placed(place.run, number))
            before = time.monotonic()
            await publisher.publish(envelope, exchange=events, routing_key=envelope.type)
            await watch.made(2 * number + 1)
            latencies.append((time.monotonic() - before) * 1000)
            await watch.made(2 * number + 2)  # the second step is the saga's last
    places = quantiles(latencies, n=100, method="inclusive")
    return {"events": EVENTS, "p50_ms": places[49], "p99_ms": places[98], "faults": []}


class Steps:
    """Waits until so many steps were made in all."""

    def __init__(self) -> None:
        self.counted = Count(note=self._on_step)
        self._news = asyncio.Event()

    def _on_step(self, _: str) -> None:
        self._news.set()

    async def made(self, steps: int) -> None:
        """Until `steps` were made."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.counted.made) < steps:
                self._news.clear()
                await self._news.wait()
