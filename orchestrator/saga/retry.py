"""How often and when a step is tried again."""

from __future__ import annotations

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

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: fewer than one attempt, a shrinking pause, or a negative one.
        """
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}: the first attempt counts, so it is at least 1")
        if self.backoff < 1:
            raise ValueError(f"backoff is {self.backoff}: a pause may not shrink, so it is at least 1")
        if self.first_delay < timedelta(0) or self.max_delay < timedelta(0):
            raise ValueError("first_delay and max_delay are lengths of time, not negative")

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
