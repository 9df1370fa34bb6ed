"""Turns: messages for one execution one after the other, in the order they came, and not too fast."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SPACING = timedelta(milliseconds=20)
"""Shortest time from one message to the next of the same execution: more than a hundred signals that wait for one
workflow task would make the server fail it."""


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    not_before: float = 0.0


class Turns:
    """One lock per key, first come first served, with a pause between two holders. Unused ones are forgotten."""

    def __init__(self, *, spacing: timedelta = SPACING) -> None:
        self._spacing = spacing.total_seconds()
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def of(self, key: str) -> AsyncGenerator[None]:
        """Hold the turn of `key`."""
        loop = asyncio.get_running_loop()
        turn = self._turns.setdefault(key, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                await asyncio.sleep(turn.not_before - loop.time())
                try:
                    yield
                finally:
                    turn.not_before = loop.time() + self._spacing
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                loop.call_later(self._spacing, self._forget, key)

    def _forget(self, key: str) -> None:
        turn = self._turns.get(key)
        if turn is not None and not turn.waiting:
            del self._turns[key]
