"""Where an execution stands, as the workflow says it: its result, and its answer to a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.engine.execution import Execution


def result_of(execution: Execution) -> dict[str, Any]:
    """Status word, statuses, outcome of each step, and the whole state."""
    abort = execution.state.abort
    return {
        "word": execution.word,
        "forward": execution.forward,
        "undo": execution.undo,
        "abort": {"reason": abort.reason, "step": abort.step, "text": abort.text} if abort else None,
        "steps": {name: {"phase": s.phase, "outcome": s.outcome} for name, s in execution.state.steps.items()},
        "state": execution.dump(),
    }
