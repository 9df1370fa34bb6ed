"""A closed loop: so many sagas are always open, each that ends is followed by the next."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import count
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.orders import Order, order, word_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from benchmarks.processes import Watched

WARM_UP_S = 1.0
"""The window begins no earlier than this, and not before as many sagas have ended as are open."""


@dataclass(slots=True)
class Window:
    """What ended within the window.

    Attributes:
        seconds: its length.
        latencies_ms: of each saga that ended in it.
        cpu_ms: CPU time by process.
    """

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list[float])
    cpu_ms: dict[str, float] = field(default_factory=dict[str, float])

    def figures(self) -> dict[str, Any]:
        """As they are stored."""
        ended = len(self.latencies_ms)
        places = quantiles(self.latencies_ms, n=100, method="inclusive") if ended > 1 else self.latencies_ms * 99
        cpu = {name: spent / ended for name, spent in self.cpu_ms.items()}
        return {
            "sagas": ended,
            "seconds": self.seconds,
            "sagas_per_s": ended / self.seconds,
            "p50_ms": places[49],
            "p99_ms": places[98],
            "cpu_ms": {**cpu, "total": sum(cpu.values())},
        }


class Load:
    """One load on one row.

    Args:
        perform: carries an order's saga out; returns the word with which it ended.
        run: first part of the orders' ids.
        watched: processes whose CPU time is measured, by name; this one first.
    """

    def __init__(self, perform: Callable[[Order], Awaitable[str]], run: str, watched: Mapping[str, Watched]) -> None:
        self.orders: list[Order] = []
        self.faults: list[str] = []
        self._perform = perform
        self._run = run
        self._watched = watched
        self._numbers = count()
        self._window: Window | None = None
        self._ended = 0
        self._one_ended = asyncio.Event()
        self._is_over = False

    async def measure(self, concurrency: int, seconds: float) -> Window:
        """Keep `concurrency` sagas open, measure for `seconds` once they flow, and wait until all have ended."""
        self._is_over, self._ended = False, 0
        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(self._one_after_another())
            await asyncio.sleep(WARM_UP_S)
            await self._has_ended(concurrency)
            window = await self._watch(seconds)
            self._is_over = True
        return window

    async def _watch(self, seconds: float) -> Window:
        window = Window()
        # The servers first: to read theirs costs this process time of its own.
        before = self._spent(reversed(tuple(self._watched)))
        began = time.monotonic()
        self._window = window
        await asyncio.sleep(seconds)
        await self._has_ended(self._ended + 1 - len(window.latencies_ms))
        self._window = None
        window.seconds = time.monotonic() - began
        window.cpu_ms = {name: after - before[name] for name, after in self._spent(self._watched).items()}
        return window

    async def _has_ended(self, sagas: int) -> None:
        """Wait until so many sagas have ended at this level."""
        while self._ended < sagas:
            self._one_ended.clear()
            await self._one_ended.wait()

    def _spent(self, names: Iterable[str]) -> dict[str, float]:
        return {name: self._watched[name].cpu_ms() for name in names}

    async def _one_after_another(self) -> None:
        while not self._is_over:
            placed = order(self._run, next(self._numbers))
            self.orders.append(placed)
            began = time.monotonic()
            word = await self._perform(placed)
            if self._window is not None:
                self._window.latencies_ms.append((time.monotonic() - began) * 1000)
            self._ended += 1
            self._one_ended.set()
            if word != word_of(placed):
                self.faults.append(f"{placed.order_id} ended as {word}")
