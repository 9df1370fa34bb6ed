"""Pace: how fast messages are handed to one execution."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 20
"""Messages that one execution may get at once from one process: with four processes that is still below the hundred
signals waiting for one workflow task at which the server fails it."""
INTERVAL = 0.1
"""Behind a burst one message in so many seconds."""
FORGET_ABOVE = 1_000
"""Executions that are remembered before those that are rested are forgotten."""


class Pace:
    """A token bucket per key: `burst` at once, then one in `interval` seconds.

    Args:
        clock: monotonic seconds.
    """

    def __init__(
        self, *, burst: int = BURST, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._slack = (burst - 1) * interval
        self._interval = interval
        self._clock = clock
        # When each bucket will be full again. One that is full is as good as unknown.
        self._full_at: dict[str, float] = {}
        self._forget_above = FORGET_ABOVE

    def wait(self, key: str) -> float:
        """Take a token, on credit if there is none; how long to wait for it, seconds."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        self._full_at[key] = full_at + self._interval
        self._forget(now)
        return max(0.0, full_at - self._slack - now)

    def may(self, key: str) -> bool:
        """Take a token if there is one; whether there was."""
        now = self._clock()
        if self._full_at.get(key, now) - self._slack > now:
            return False
        self.wait(key)
        return True

    @property
    def known(self) -> int:
        """How many keys are remembered."""
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        if len(self._full_at) > self._forget_above:
            self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
            # Doubled, so that many busy keys are not looked through for each message.
            self._forget_above = max(FORGET_ABOVE, 2 * len(self._full_at))
