"""Commands that were sent and not answered, and when each is sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.engine.effects import Perform

RESEND = "resend:"


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
