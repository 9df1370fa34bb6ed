"""What the memo of an execution says in Temporal: one entry of several values, since the SDK visits each entry anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.saga.plan import Plan

ENTRY = "saga"
PLAN, CORRELATION, IDENTITY, BODY, UNDOES = "plan", "correlation", "trigger", "trigger_hash", "undoes"


def memo_of(plan: Plan, **more: str) -> dict[str, Any]:
    """The memo of an execution of this plan."""
    return {ENTRY: {"name": plan.saga, "version": plan.version, PLAN: plan.content_hash, **more}}


def read(memo: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values by name; executions that began earlier have each as an entry of its own."""
    found: Mapping[str, Any] | str = memo.get(ENTRY, "")
    return memo if isinstance(found, str) else found
