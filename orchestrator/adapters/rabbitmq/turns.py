"""Turns: messages for one execution one after the other, in the order they came, and not too fast."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from orchestrator.adapters.rabbitmq.pace import Pace


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Turns:
    """One lock per key, first come first served, each holder at the key's pace. Unused ones are forgotten."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def of(self, key: str) -> AsyncGenerator[None]:
        """Hold the turn of `key`."""
        turn = self._turns.setdefault(key, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                if pause := self._pace.wait(key):
                    await asyncio.sleep(pause)
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[key]
