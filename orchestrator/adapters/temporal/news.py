"""What became of attempts, in the engine's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.contracts.protocol import CONFLICT, STRAY_REPLY
from orchestrator.engine.effects import Park
from orchestrator.engine.signals import Failed, ReceivedEvent, Refused, Stalled, Succeeded, Withdrawn
from orchestrator.messages import short_hash

if TYPE_CHECKING:
    from orchestrator.adapters.temporal.given import Report
    from orchestrator.engine.effects import Perform
    from orchestrator.engine.signals import Outcome


def withdrawn(perform: Perform) -> Withdrawn:
    """It was asked for and not begun."""
    return Withdrawn(step=perform.step, direction=perform.direction, attempt=perform.attempt)


def lost_attempt(perform: Perform, fence_ms: int, *, retryable: bool = False) -> Failed:
    """It may have been begun in a run that left no report."""
    return Failed(
        step=perform.step,
        direction=perform.direction,
        attempt=perform.attempt,
        reason="the run that performed it came to no end",
        retryable=retryable,
        fence_ms=fence_ms,
    )


def signal_of(report: Report) -> Outcome:
    """The engine's word for how a call went."""
    step, direction, attempt = report.step, report.direction, report.attempt
    match report.kind:
        case "ok":
            return Succeeded(step=step, direction=direction, attempt=attempt, result=report.result)
        case "refused" if report.code == CONFLICT and direction == "do":
            # Another body came before under this key: what that one did stands, so nobody can say "no effect".
            return Failed(step=step, direction=direction, attempt=attempt, reason=report.reason, retryable=False)
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
                frames=report.frames,
            )


def stray_reply(report: Report) -> Park:
    """What becomes of a reply that names a step which its execution does not have."""
    kept = {"step": report.step, "direction": report.direction, "outcome": report.kind, "body": report.result}
    identity = short_hash(report.step, report.direction, str(report.attempt))
    event = ReceivedEvent(identity=identity, body_hash="", type=STRAY_REPLY, payload=kept, message_id=identity)
    return Park(event, "unknown-step", f"the execution has no step {report.step!r}: check the reply's saga-step")
