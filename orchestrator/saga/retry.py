"""How often and when a step is tried again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.saga.plan import RetryPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry policy. The pause grows by `backoff` each time and never exceeds `max_delay`.

    Attributes:
        attempts: attempts in all, the first included; None = no limit (never for an undo).
        first_delay: pause before the second attempt.
    """

    attempts: int | None = 3
    first_delay: timedelta = timedelta(seconds=1)
    backoff: float = 2.0
    max_delay: timedelta = timedelta(minutes=1)

    def faults(self) -> Iterator[str]:
        """What cannot be meant, with its remedy: a saga that uses the policy is refused, and says where it stands."""
        attempts: object = self.attempts
        if attempts is not None and (type(attempts) is not int or attempts < 1):
            yield f"attempts={attempts!r}: the first attempt counts, so write a whole number from 1, or None"
        backoff: object = self.backoff
        if type(backoff) not in (int, float) or not 1 <= self.backoff < math.inf:
            yield f"backoff={backoff!r}: a pause may not shrink, so write a number from 1"
        for name in ("first_delay", "max_delay"):
            length: object = getattr(self, name)
            if not isinstance(length, timedelta) or length < timedelta(0):
                yield f"{name}={length!r}: write a length of time that is not negative, as timedelta(seconds=2)"

    def delay(self, attempt: int) -> timedelta:
        """Time to wait before `attempt`; the first attempt is 1 and does not wait."""
        return timedelta(milliseconds=self.compiled().delay_ms(attempt))

    def compiled(self) -> RetryPlan:
        """As the plan holds it."""
        return RetryPlan(
            attempts=self.attempts,
            first_delay_ms=milliseconds(self.first_delay),
            backoff=self.backoff,
            max_delay_ms=milliseconds(self.max_delay),
        )


def milliseconds(length: timedelta) -> int:
    """A length of time in whole milliseconds."""
    return int(length / timedelta(milliseconds=1))
