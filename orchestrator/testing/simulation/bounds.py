"""How long an execution may take at most, worked out from the policies of its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.saga.plan import SleepPlan, StepPlan, WaitPlan, leaves

if TYPE_CHECKING:
    from orchestrator.saga.plan import Leaf, Plan, RetryPlan

FENCE_MS = 10_000
"""How long a slow worker may hold back an undo at most, milliseconds: what the simulated worlds keep to."""


def bound_ms(plan: Plan) -> int:
    """Time within which an execution is at rest once every attempt is answered within its limit, milliseconds.

    As if its leaves came one after the other, each with all its attempts and pauses, a probe and its undo.
    """
    return sum(_leaf_ms(leaf) for leaf in leaves(plan.root))


def _leaf_ms(leaf: Leaf) -> int:
    match leaf:
        case WaitPlan():
            return leaf.within_ms
        case SleepPlan():
            return leaf.duration_ms
        case StepPlan():
            probe = leaf.within_ms if leaf.probe else 0
            return (
                _policy_ms(leaf.retry, leaf.within_ms) + probe + FENCE_MS + _policy_ms(leaf.undo_retry, leaf.within_ms)
            )


def _policy_ms(policy: RetryPlan, within_ms: int) -> int:
    """All attempts, each to its limit, and the pauses between; without a limit of attempts, one."""
    attempts = policy.attempts or 1
    return attempts * within_ms + sum(policy.delay_ms(attempt) for attempt in range(2, attempts + 1))
