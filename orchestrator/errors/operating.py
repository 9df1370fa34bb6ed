"""What a person who operates executions may be told instead of yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors.root import OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RefusedCommandError(OrchestratorError):
    """An operator's command is not allowed in this state.

    Args:
        command: the command, as `cancel`.
        reason: why not, and what can be done instead.
    """

    def __init__(self, command: str, reason: str) -> None:
        super().__init__(f"{command} refused: {reason}")
        self.command = command
        self.reason = reason


class ConflictError(OrchestratorError):
    """An execution is not at the revision that an operator saw.

    Args:
        reason: what is different, for people.
        revision: where it is now.
        changes: what happened meanwhile, oldest first.
    """

    def __init__(self, reason: str, *, revision: int, changes: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.revision = revision
        self.changes = tuple(changes)


class ExecutionNotFoundError(OrchestratorError):
    """No execution has this id."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"no execution {execution_id!r}: ids are written saga:key, as in fulfil-order:A17")
        self.execution_id = execution_id
