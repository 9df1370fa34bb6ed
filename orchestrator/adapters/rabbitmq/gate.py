"""The gate: closed while the engine is away. It stops the consumers behind it and opens by itself."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.together import stop, together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

    from orchestrator.adapters.rabbitmq.consumer import Consumer

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=10)
CALM = timedelta(seconds=20)
"""Closed again sooner than this after it opened, it goes on with the pauses where it was: an engine that answers the
probe and refuses everything else must not be asked many times a second."""
LONGEST_HOLD = timedelta(minutes=5)
"""How long a message is held in hand while the gate is closed: well below the broker's limit for unsettled ones."""


class Gate:
    """Open while the engine answers. `async with` bounds its probing.

    Args:
        probe: whether the engine answers; a fault counts as no.
        first_pause, longest_pause: pauses before each probe; they double, and each is taken between half and whole.
        calm: how long it must have been open to begin again with the first pause.
        longest_hold: how long `opened` waits.
        what: what does not answer, for people.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[bool]],
        *,
        first_pause: timedelta = FIRST_PAUSE,
        longest_pause: timedelta = LONGEST_PAUSE,
        calm: timedelta = CALM,
        longest_hold: timedelta = LONGEST_HOLD,
        clock: Callable[[], float] = time.monotonic,
        what: str = "the engine",
    ) -> None:
        self._probe = probe
        self._first_pause = first_pause.total_seconds()
        self._longest_pause = longest_pause.total_seconds()
        self._longest_hold = longest_hold.total_seconds()
        self._calm = calm.total_seconds()
        self._clock = clock
        self._what = what
        self._pause = self._first_pause
        self._opened_at = -math.inf
        self._consumers: list[Consumer] = []
        self._open = asyncio.Event()
        self._open.set()
        self._probing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._probing is not None:
            await stop(self._probing)

    @property
    def is_open(self) -> bool:
        """Whether messages pass."""
        return self._open.is_set()

    def holds(self, consumer: Consumer) -> None:
        """From now on `consumer` pauses whenever the gate is closed."""
        self._consumers.append(consumer)

    def close(self) -> None:
        """Close, because the engine did not answer. Told again while closed, it does nothing."""
        if self._open.is_set():
            self._open.clear()
            self._probing = asyncio.create_task(self._open_again())

    async def opened(self) -> bool:
        """Wait until it is open. False: that takes too long, give the message back."""
        try:
            async with asyncio.timeout(self._longest_hold):
                await self._open.wait()
        except TimeoutError:
            return False
        return True

    async def _open_again(self) -> None:
        log.warning("%s does not answer: consuming pauses, nothing is lost", self._what)
        await together(consumer.pause() for consumer in self._consumers)
        if self._clock() - self._opened_at >= self._calm:
            self._pause = self._first_pause
        await self._rest()
        while not await self._answers():
            await self._rest()
        await together(consumer.resume() for consumer in self._consumers)
        log.warning("%s answers again: consuming goes on", self._what)
        self._opened_at = self._clock()
        # Last, so that only one task at a time pauses and resumes: `close` begins another only when this is set.
        self._open.set()

    async def _rest(self) -> None:
        pause, self._pause = self._pause, min(self._pause * 2, self._longest_pause)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads workers, keeps no secret

    async def _answers(self) -> bool:
        try:
            return await self._probe()
        except Exception:  # noqa: BLE001 - whatever it says, it is no yes
            return False
