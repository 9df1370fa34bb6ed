"""Commands that were sent and not answered, and when each is sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from orchestrator.adapters.temporal.clock import resend_pause_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.adapters.temporal.clock import Agenda
    from orchestrator.adapters.temporal.given import Limits, Report
    from orchestrator.engine.effects import Perform

RESEND = "resend:"
Way: TypeAlias = tuple[str, str]
"""Step and direction: of each at most one attempt is open."""
Act: TypeAlias = tuple[str, str, int]
"""Step, direction and attempt."""


@dataclass(slots=True)
class Pending:
    """One unanswered command. `sent`: copies so far. `deadline_ms`: the same in every copy, epoch milliseconds."""

    perform: Perform
    deadline_ms: int
    sent: int = 1

    def dump(self) -> dict[str, Any]:
        """What a continued run needs to know; the call itself is in the plan."""
        return {
            "step": self.perform.step,
            "direction": self.perform.direction,
            "deadline_ms": self.deadline_ms,
            "sent": self.sent,
        }


def resend_name(step: str, direction: str) -> str:
    """Name of the due time at which a command is sent again."""
    return f"{RESEND}{direction}:{step}"


def way_of(perform: Perform) -> Way:
    """Step and direction."""
    return (perform.step, perform.direction)


def act_of(one: Perform | Report) -> Act:
    """Which attempt it is, or speaks of."""
    return (one.step, one.direction, one.attempt)


class Unanswered:
    """The unanswered commands of one execution. What is due is kept on the agenda, under names of its own."""

    def __init__(self, agenda: Agenda, limits: Limits) -> None:
        self._agenda = agenda
        self._limits = limits
        self._by_way: dict[Way, Pending] = {}
        self._due: list[Way] = []

    def take_up(self, rows: Iterable[dict[str, Any]], performs: Iterable[Perform]) -> None:
        """Go on with what an earlier run has carried over."""
        open_ones = {way_of(perform): perform for perform in performs}
        for row in rows:
            way = (row["step"], row["direction"])
            self._by_way[way] = Pending(open_ones[way], row["deadline_ms"], row["sent"])

    def dump(self) -> list[dict[str, Any]]:
        """What a continued run needs to know."""
        return [one.dump() for one in self._by_way.values()]

    @property
    def are_any(self) -> bool:
        """Whether a command is unanswered."""
        return bool(self._by_way)

    @property
    def are_due(self) -> bool:
        """Whether one is to be sent again now."""
        return bool(self._due)

    def keep(self, perform: Perform, deadline_ms: int) -> None:
        """A copy of this command was sent, or is to be; its answer has not come."""
        pending = self._by_way.setdefault(way_of(perform), Pending(perform, deadline_ms, sent=0))
        pending.sent += 1
        self._send_later(pending)

    def _send_later(self, pending: Pending) -> None:
        self._agenda.set(resend_name(*way_of(pending.perform)), resend_pause_ms(self._limits, pending.sent))

    def put_off(self, copies: Iterable[Pending]) -> None:
        """Copies that were due and came to no report: each that is still unanswered is due again later."""
        for pending in copies:
            way = way_of(pending.perform)
            if way in self._by_way and resend_name(*way) not in self._agenda.fresh:
                self._send_later(pending)

    def drop_all_but(self, open_ones: Sequence[Perform]) -> None:
        """Forget those that the engine does not wait for any more."""
        for way in [way for way, one in self._by_way.items() if one.perform not in open_ones]:
            del self._by_way[way]
            self._agenda.clear(resend_name(*way))

    def ring(self, name: str) -> bool:
        """Whether this due time is one of ours; then the command is due."""
        if name.startswith(RESEND):
            _, direction, step = name.split(":", 2)
            self._due.append((step, direction))
            return True
        return False

    def take_due(self, *, is_unwinding: bool) -> list[Pending]:
        """Commands to send again now; after an abort no forward one (express.md, 11)."""
        due, self._due = [self._by_way[way] for way in self._due if way in self._by_way], []
        return [one for one in due if one.perform.direction == "undo" or not is_unwinding]
