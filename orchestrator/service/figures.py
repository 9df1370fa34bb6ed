"""How sagas have been of late: rates, failing steps, how long they take. From the newest executions of the ledger.

Only so many of the newest executions are looked at, so that the answer takes as long whatever the ledger holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from orchestrator.service.access import Permission
from orchestrator.service.records import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestrator.service.access import Caller
    from orchestrator.service.operations import Clock

Window: TypeAlias = Literal["1h", "24h", "7d"]
WINDOWS: Mapping[Window, timedelta] = MappingProxyType(
    {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}
)
BUCKETS = 60
"""Into how many parts a window is divided."""
FRESH = timedelta(seconds=10)
"""For so long figures are told again without being counted again."""
Rate: TypeAlias = Literal["started", "completed", "failed", "undone"]
"""Failed: it ended otherwise than completed. Undone: of those, the ones in which something was undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time in equal buckets. Epoch milliseconds; `end_ms` is not in it any more."""

    start_ms: int
    width_ms: int
    buckets: int = BUCKETS

    @property
    def end_ms(self) -> int:
        """Where it ends."""
        return self.start_ms + self.width_ms * self.buckets


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Executions that failed at the same step for the same kind of error.

    Attributes:
        number: how many. `last_ms`: when the last of them changed. `error`: what was said of that one.
    """

    saga: str
    step: str
    fingerprint: str
    number: int
    last_ms: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long executions of a saga took, or the commands of a step and their replies. Milliseconds.

    `step` is empty for the saga as a whole; `direction`: do, undo or probe.
    """

    saga: str
    number: int
    p50_ms: int
    p95_ms: int
    p99_ms: int
    step: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of it.

    Attributes:
        rates: executions per bucket, the oldest first.
        is_capped: there were more than are looked at: what is older is missing.
    """

    span: Span
    rates: Mapping[Rate, tuple[int, ...]]
    failing: tuple[Failing, ...]
    sagas: tuple[Latency, ...]
    steps: tuple[Latency, ...]
    is_capped: bool


class FiguresReader(Protocol):
    """Counts in the ledger. `sagas`: of these only; None = of all. Raises `StoreUnavailableError`."""

    async def figures(self, span: Span, sagas: frozenset[str] | None = None) -> Figures:
        """How it has been in this stretch of time."""
        ...


class Figuring:
    """The use case. What was counted is told again for `FRESH`: many pages cost as much as one."""

    def __init__(self, reader: FiguresReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._counted: dict[tuple[Window, frozenset[str] | None], tuple[datetime, Figures]] = {}
        self._counting = asyncio.Lock()

    async def look(self, caller: Caller, window: Window) -> Figures:
        """How the sagas that this caller may see have been until now.

        Raises:
            DeniedError: the caller may read none.
            StoreUnavailableError: the ledger is away.
        """
        caller.require(Permission.READ)
        async with self._counting:
            now = self._clock.now()
            self._counted = {key: one for key, one in self._counted.items() if now < one[0] + FRESH}
            known = self._counted.get((window, caller.sagas))
            if known is not None:
                return known[1]
            found = await self._reader.figures(span_of(window, now), caller.sagas)
            self._counted[window, caller.sagas] = now, found
            return found


def span_of(window: Window, now: datetime) -> Span:
    """The window whose last bucket holds this moment: buckets stand still, so that a picture does not tremble."""
    width = int(WINDOWS[window].total_seconds() * 1000) // BUCKETS
    end = (milliseconds(now) // width + 1) * width
    return Span(start_ms=end - BUCKETS * width, width_ms=width)
