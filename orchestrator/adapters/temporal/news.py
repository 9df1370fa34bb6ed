"""What a report means to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.signals import Failed, Refused, Stalled, Succeeded

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Report
    from orchestrator.engine.signals import Outcome


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
