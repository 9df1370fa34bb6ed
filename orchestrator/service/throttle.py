"""How often something may be tried: a sliding window for each key, in the memory of this process. Pure.

Several consoles each count for themselves: with n of them somebody has n times as many tries.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from orchestrator.errors import TooManyTriesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

KEPT_KEYS = 10_000
"""Keys that are remembered; of more, those that were tried least lately are forgotten."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many tries in a length of time."""

    tries: int
    within: timedelta


class Throttle:
    """Counts tries by key."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, deque[datetime]] = OrderedDict()

    def take(self, now: datetime, wanted: Sequence[tuple[str, Pace]]) -> None:
        """Count one try for each of these keys, if all of them have one left; otherwise for none.

        Raises:
            TooManyTriesError: one has none left; says after how many seconds it will.
        """
        waits = [self._wait(now, key, pace) for key, pace in wanted]
        if longest := max(waits, default=0):
            raise TooManyTriesError(longest)
        for key, _ in wanted:
            self._tries.setdefault(key, deque()).append(now)
            self._tries.move_to_end(key)
        while len(self._tries) > KEPT_KEYS:
            self._tries.popitem(last=False)

    def forget(self, key: str) -> None:
        """Begin anew with a key: whoever tried has shown that they may."""
        self._tries.pop(key, None)

    def _wait(self, now: datetime, key: str, pace: Pace) -> int:
        """Seconds until there is a try left; 0 if there is one."""
        tries = self._tries.get(key, deque())
        while tries and tries[0] <= now - pace.within:
            tries.popleft()
        return 0 if len(tries) < pace.tries else ceil((tries[0] + pace.within - now).total_seconds())
