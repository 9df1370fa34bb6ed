"""Runs of executions as Temporal lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from orchestrator.service.records import Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A run of an execution as Temporal lists it.

    Attributes:
        status: `continued` = another run goes on with it; a word of `Gone` = ended from outside.
        plan_hash, correlation_id: empty if the run does not say.
        history: length of its history, 0 while it runs.
    """

    workflow_id: str
    run_id: str
    run_ms: int
    status: Literal["running", "completed", "continued", "terminated", "timed_out", "failed", "canceled"]
    closed_ms: int | None = None
    history: int = 0
    plan_hash: str = ""
    correlation_id: str = ""


def gone_as(seen: RunSeen) -> Gone:
    """How a run was ended from outside; empty if it was not."""
    match seen.status:
        case "running" | "completed" | "continued":
            return ""
        case _:
            return seen.status
