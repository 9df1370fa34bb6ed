"""What is due when, on a clock that a replay reads alike. Pure: the workflow tells it the time.

The time at which a workflow task began is not the same in a replay: the SDK takes tasks that ended without a command
(a heartbeat, a query in between) together with the next one. So a length of time that was asked for stays open until a
reading that cannot move: the end of a run, which its marker records, or the moment at which the workflow goes to rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Limits


@dataclass(slots=True)
class Agenda:
    """Names with the moments at which they are due.

    Attributes:
        now_ms: the latest reading, epoch milliseconds.
        reached_ms: the latest moment whose timer has fired. Only that makes something due, never a reading: a clock
            that was set forward would make it early.
        by_name: moments, epoch milliseconds.
        fresh: lengths of time, milliseconds, that begin at the next reading.
    """

    now_ms: int = 0
    reached_ms: int = 0
    by_name: dict[str, int] = field(default_factory=dict[str, int])
    fresh: dict[str, int] = field(default_factory=dict[str, int])

    def set(self, name: str, after_ms: int) -> None:
        """Let `name` be due so much later."""
        self.by_name.pop(name, None)
        self.fresh[name] = after_ms

    def clear(self, name: str) -> None:
        """`name` is of no use any more."""
        self.by_name.pop(name, None)
        self.fresh.pop(name, None)

    def read(self, began_ms: int, now_ms: int | None = None) -> None:
        """A reading: what was set since the last one was set at `began_ms`; it is `now_ms` (the same, unless given).

        Nothing was set before the last reading, whatever a worker's clock says of the beginning of its run. A reading
        that is earlier than the last one, or than a timer that has fired, shows that the server's clock was set back.
        """
        now = began_ms if now_ms is None else now_ms
        began = max(began_ms, min(self.now_ms, now))
        self.by_name.update({name: began + after_ms for name, after_ms in self.fresh.items()})
        self.fresh.clear()
        self.now_ms = now
        self.reached_ms = min(self.reached_ms, now)

    def ring(self, at_ms: int) -> None:
        """The timer for `at_ms` has fired."""
        self.reached_ms = max(self.reached_ms, at_ms)

    def earliest(self) -> int | None:
        """When the next one is due, None if there is none. Ask after a reading."""
        return min(self.by_name.values(), default=None)

    def take_due(self) -> list[str]:
        """Remove and return what is due, earliest first."""
        due = sorted((at, name) for name, at in self.by_name.items() if at <= self.reached_ms)
        for _, name in due:
            del self.by_name[name]
        return [name for _, name in due]


def resend_pause_ms(limits: Limits, sent: int) -> int:
    """Pause after the `sent`-th copy of an unanswered command: doubles, up to the limit. The first copy is 1."""
    doublings: int = 1 << min(sent - 1, 32)
    return min(limits.resend_first_ms * doublings, limits.resend_max_ms)
