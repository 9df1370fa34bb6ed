"""The execution that an operation is about: as Temporal has it, or, when Temporal has forgotten it, the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import maybe_begun
from orchestrator.engine.seeding import seed_of
from orchestrator.engine.signals import ReceivedEvent
from orchestrator.errors import ExecutionNotFoundError, RefusedCommandError
from orchestrator.messages import new_traceparent
from orchestrator.service.live import Seen
from orchestrator.service.records import IN_FLIGHT
from orchestrator.service.snapshots import STATUSES

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.saga.plan import Plan
    from orchestrator.service.live import Live
    from orchestrator.service.ports import LedgerReader
    from orchestrator.service.records import Detail, Gone, Status

UNPROVED = (
    "Temporal has forgotten it before its end was confirmed, so nobody can prove any more that what the ledger shows is"
    " its end: see by `saga show` what was done, and undo by hand what must be"
)
"""Undoing the wrong state could undo what never was, or leave what was: a person sees what the orchestrator cannot."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An execution, and until when it may be undone by hand; None = no end is set, since it has not ended."""

    seen: Seen
    window_ends: datetime | None

    @property
    def execution(self) -> Execution:
        """Its state."""
        return self.seen.execution

    @property
    def status(self) -> Status:
        """The word of lists."""
        return "terminated" if self.seen.gone else STATUSES[self.execution.word]

    def seed(self) -> Seen:
        """What a linked undo run begins with: nothing in it is under way."""
        seen = self.seen
        return replace(seen, execution=seed_of(seen.execution, seen.trigger, seen.in_doubt))

    def to_undo(self) -> Execution:
        """The state that a compensation begins with."""
        return self.execution if self.seen.is_open else self.seed().execution


def by_engine_alone(seen: Seen) -> Subject:
    """An execution as Temporal has it, for those who cannot ask the ledger."""
    return Subject(seen, _window(seen.execution.plan, None if seen.is_open else seen.first_ended or seen.ended))


class Subjects:
    """Finds executions.

    Args:
        live: Temporal.
        ledger: what is known of those that Temporal has forgotten.
    """

    def __init__(self, live: Live, ledger: LedgerReader) -> None:
        self._live = live
        self._ledger = ledger

    async def find(self, execution_id: str) -> Subject:
        """An execution as it is now.

        Raises:
            ExecutionNotFoundError: nobody knows it.
            RefusedCommandError: Temporal has forgotten it, and nobody has confirmed how it ended; that stays so.
            EngineUnavailableError, StoreUnavailableError: one of both is away.
        """
        seen = await self._live.look(execution_id)
        if seen is not None and (seen.is_open or seen.first_ended is not None):
            return Subject(seen, _window(seen.execution.plan, seen.first_ended))
        detail = await self._ledger.find(execution_id)
        if detail is None and seen is not None:
            return Subject(seen, _window(seen.execution.plan, seen.ended))
        if detail is None or detail.plan is None:
            raise ExecutionNotFoundError(execution_id)
        if seen is not None:  # a linked run, whose execution itself Temporal has forgotten
            return Subject(seen, detail.row.window_ends)
        return Subject(_from_ledger(detail, detail.plan), detail.row.window_ends)


def _window(plan: Plan, ended: datetime | None) -> datetime | None:
    return None if ended is None else ended + timedelta(milliseconds=plan.compensation_window_ms)


def _from_ledger(detail: Detail, plan: Plan) -> Seen:
    """The newest state that the ledger knows of an execution that Temporal has forgotten."""
    row = detail.row
    # Temporal does not know it, so what the ledger takes for open was deleted.
    gone = row.gone or ("deleted" if row.status in IN_FLIGHT else "")
    if not (row.confirmed or gone):
        raise RefusedCommandError("compensate", UNPROVED)
    return kept(detail, plan, gone)


def kept(detail: Detail, plan: Plan, gone: Gone) -> Seen:
    """The newest state that the ledger has; its order is that of express.md, 15. `gone`: how it ended from outside."""
    row = detail.row
    execution = Execution.restore(plan, detail.state)
    trigger = ReceivedEvent(
        identity="", body_hash="", type=plan.trigger.event, payload=execution.state.facts.get(plan.trigger.gives)
    )
    is_open = not gone and row.status in IN_FLIGHT
    return Seen(
        workflow_id=row.workflow_id,
        is_open=is_open,
        execution=execution,
        trigger=trigger,
        thread={"correlation_id": row.correlation_id, "traceparent": new_traceparent()},
        gone=gone,
        ended=None if is_open else row.ended or row.changed,
        in_doubt=maybe_begun(execution, execution, trigger) if gone else (),
    )
