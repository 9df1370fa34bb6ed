"""Due times of an execution, and which of them the one timer is set for. Pure: the workflow tells it the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Limits


@dataclass(slots=True)
class DueTimes:
    """Names with the epoch milliseconds at which they are due."""

    by_name: dict[str, int] = field(default_factory=dict[str, int])

    def set(self, name: str, at_ms: int) -> None:
        """Let `name` be due at `at_ms`."""
        self.by_name[name] = at_ms

    def clear(self, name: str) -> None:
        """`name` is of no use any more."""
        self.by_name.pop(name, None)

    def earliest(self) -> int | None:
        """When the next one is due, None if there is none."""
        return min(self.by_name.values(), default=None)

    def take_due(self, now_ms: int) -> list[str]:
        """Remove and return what is due, earliest first."""
        due = sorted((at, name) for name, at in self.by_name.items() if at <= now_ms)
        for _, name in due:
            del self.by_name[name]
        return [name for _, name in due]


def resend_pause_ms(limits: Limits, sent: int) -> int:
    """Pause after the `sent`-th copy of an unanswered command: doubles, up to the limit. The first copy is 1."""
    doublings: int = 1 << min(sent - 1, 32)
    return min(limits.resend_first_ms * doublings, limits.resend_max_ms)
