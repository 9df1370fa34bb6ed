"""When attempts were performed in this process: the journal says how they ended, and not how long they took."""

from __future__ import annotations

import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from orchestrator.service.spans import AttemptId

MOST = 20_000
"""Attempts whose times are remembered."""


class Times(NamedTuple):
    """From when to when an attempt was performed, nanoseconds since the epoch.

    `is_known`: its outcome was known then; else it was given up waiting, and its reply came another way or not yet.
    """

    began_ns: int
    ended_ns: int
    is_known: bool

    def until(self, told_ns: int) -> int:
        """When it ended, if the execution was told of its end at `told_ns`."""
        return self.ended_ns if self.is_known else max(self.ended_ns, told_ns)


class AttemptTimes:
    """Remembers the newest."""

    def __init__(self) -> None:
        self._times: OrderedDict[AttemptId, Times] = OrderedDict()

    @contextmanager
    def attempt(self, one: AttemptId, _correlation_id: str = "") -> Generator[Callable[[bool], None]]:
        """Around the performing of an attempt; is told whether its outcome is known."""
        began, known = time.time_ns(), False

        def end(is_known: bool) -> None:  # noqa: FBT001 - the one thing that is told
            nonlocal known
            known = is_known

        try:
            yield end
        finally:
            self._times[one] = Times(began, time.time_ns(), known)
            if len(self._times) > MOST:
                self._times.popitem(last=False)

    def take(self, one: AttemptId) -> Times | None:
        """Its times, if it was performed here. Of one whose outcome was not known the end may be told once more."""
        found = self._times.get(one)
        if found is not None and found.is_known:
            del self._times[one]
        return found
