"""What became of attempts, in the engine's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.signals import Failed, Refused, Stalled, Succeeded, Withdrawn

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Report
    from orchestrator.engine.effects import Perform
    from orchestrator.engine.signals import Outcome


FENCE_MS = 2_000
"""How long a slow worker may still perform a lost run: its budget and the hard limit of one call."""


def withdrawn(perform: Perform) -> Withdrawn:
    """It was asked for and not begun."""
    return Withdrawn(step=perform.step, direction=perform.direction, attempt=perform.attempt)


def lost_attempt(perform: Perform, *, retryable: bool = False) -> Failed:
    """It may have been begun in a run that left no report."""
    return Failed(
        step=perform.step,
        direction=perform.direction,
        attempt=perform.attempt,
        reason="the run that performed it came to no end",
        retryable=retryable,
        fence_ms=FENCE_MS,
    )


def signal_of(report: Report) -> Outcome:
    """The engine's word for how a call went."""
    step, direction, attempt = report.step, report.direction, report.attempt
    match report.kind:
        case "ok":
            return Succeeded(step=step, direction=direction, attempt=attempt, result=report.result)
        case "refused":
            code, reason = report.code, report.reason
            return Refused(step=step, direction=direction, attempt=attempt, code=code, reason=reason)
        case "stalled":
            return Stalled(step=step, direction=direction, attempt=attempt, reason=report.reason)
        case "failed" | "pending":
            return Failed(
                step=step,
                direction=direction,
                attempt=attempt,
                reason=report.reason,
                retryable=report.retryable,
                fence_ms=report.fence_ms,
            )
