"""Executions as Temporal has them, for those who operate them: what is asked of it, and the port that answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.saga.plan import MAX_ID_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestrator.engine.execution import Execution
    from orchestrator.engine.signals import CompensateRequested, Operator, ReceivedEvent
    from orchestrator.service.records import Gone

UNDO_SUFFIX = "/undo"


def linked_id(execution_id: str) -> str:
    """Workflow id of the run that undoes a finished execution: one at a time (express.md, 16)."""
    if len((execution_id + UNDO_SUFFIX).encode()) <= MAX_ID_BYTES:
        return execution_id + UNDO_SUFFIX
    digest = hashlib.sha256(execution_id.encode()).hexdigest()[:32]
    room = MAX_ID_BYTES - len(digest) - len(UNDO_SUFFIX) - 1
    return f"{execution_id.encode()[:room].decode(errors='ignore')}~{digest}{UNDO_SUFFIX}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a command: revisions around it, the status word after it, and why it was ignored (empty: done)."""

    before: int
    after: int
    word: str
    ignored: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An execution as its newest run has it.

    Attributes:
        workflow_id: that run: the execution's own, or a linked undo run. `is_open`: commands can reach it.
        execution: its state.
        trigger: what started it. `thread`: correlation id and trace, as all its messages carry them. Of one that is
            open they may lack all but the trigger's type and payload: nothing is started with them before it ends.
        gone: how it was ended from outside. `ended`: when the newest run ended.
        first_ended: when the execution itself ended; the window for undoing by hand counts from there. None = Temporal
            does not know it any more.
        in_doubt: of one that is gone, the steps that a lost attempt may have begun beside those its state knows of.
        by_history: it goes on, and no worker answered for it: it is read from its history.
    """

    workflow_id: str
    is_open: bool
    execution: Execution
    trigger: ReceivedEvent
    thread: Mapping[str, str]
    gone: Gone = ""
    ended: datetime | None = None
    first_ended: datetime | None = None
    in_doubt: tuple[str, ...] = ()
    by_history: bool = False


class Live(Protocol):
    """Implemented over Temporal. Every method raises `EngineUnavailableError` when it cannot be reached now."""

    async def look(self, execution_id: str) -> Seen | None:
        """The execution as it is now; None if Temporal does not know it (any more)."""
        ...

    async def command(self, workflow_id: str, command: Operator, *, revision: int | None = None) -> Taken:
        """Give a command; returns once the engine took it. The same `command_id` again is the same command.

        Args:
            workflow_id: the run that `look` named.
            command: what to do.
            revision: what the operator saw; None = whatever it is.

        Raises:
            RefusedCommandError: not now, and why.
            ConflictError: it is not at this revision.
            ExecutionNotFoundError: there is no such run.
            EngineUnavailableError: also when no worker took it in time; it may still be taken.
        """
        ...

    async def begin_undo(self, seed: Seen, command: CompensateRequested) -> bool:
        """Start the linked run that undoes `seed`; False if one is under way already, which did not get the command.

        `seed.execution` has nothing under way, see `seed_of`.

        Raises:
            ConflictError: a linked run that `seed` does not know of has ended meanwhile.
        """
        ...
