"""Gives the command of an accepted operation to its execution, and writes down what became of it.

It may be done again from the start at any point: the operation's id is the command's, and the engine knows those that
it took.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.engine.signals import CompensateRequested
from orchestrator.errors import (
    ConflictError,
    ExecutionNotFoundError,
    InvalidRequestError,
    PlanMovedError,
    RefusedCommandError,
)
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.compensation import plan_undo
from orchestrator.service.live import linked_id
from orchestrator.service.offering import NOTHING, is_over, window_over
from orchestrator.service.requests import Compensate, command_of

if TYPE_CHECKING:
    from orchestrator.engine.signals import Operator
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.live import Taken
    from orchestrator.service.operating import World
    from orchestrator.service.operations import OperationRecord, OperationState
    from orchestrator.service.subjects import Subject

TRIES = 3
"""So often a compensation is tried anew when the execution moves between plan and command without changing the plan."""


class Delivering:
    """The way of a command."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def deliver(self, record: OperationRecord, subject: Subject | None = None) -> OperationRecord:
        """Give the command; the record as it is afterwards.

        Args:
            record: an operation that was accepted.
            subject: its execution as it was seen a moment ago; None = look.

        Raises:
            RefusedCommandError, ConflictError: the execution did not take it; the operation has failed.
            EngineUnavailableError: it stays accepted.
        """
        try:
            workflow_id, taken = await self._given(record, subject)
        except (RefusedCommandError, ConflictError, ExecutionNotFoundError, InvalidRequestError) as error:
            found = await self._run_that_has(record)
            if found is None:
                await self.end(record, "failed", str(error))
                raise
            workflow_id, taken = found, None
        if taken is not None and taken.ignored.startswith("refused"):
            await self.end(record, "failed", taken.ignored)
            raise RefusedCommandError(record.request.operation, taken.ignored.partition(": ")[2])
        before, after = (taken.before, taken.after) if taken else (record.before, record.after)
        applied = replace(record, state="applied", workflow_id=workflow_id, before=before, after=after)
        await self._world.register.change(applied)
        return applied

    async def end(self, record: OperationRecord, state: OperationState, text: str) -> OperationRecord:
        """Write down how an operation ended, with its audit entry; the record as it is stored."""
        ended = replace(record, state=state, text=text, settled_ms=self._world.now_ms())
        entry = AuditEntry(
            at_ms=self._world.now_ms(),
            actor=record.actor,
            role=record.role,
            what=record.request.operation,
            target=record.execution_id,
            result=state,
            reason=record.reason,
            text=text,
            operation_id=record.id,
            before=record.before,
            after=record.after,
        )
        if await self._world.register.change(ended, entry):
            return ended
        return await self._world.register.find(record.id) or ended

    async def _run_that_has(self, record: OperationRecord) -> str | None:
        """The run that took the command from another process in the meantime, and may have ended with it."""
        try:
            seen = (await self._world.subjects.find(record.execution_id)).seen
        except (RefusedCommandError, ExecutionNotFoundError):
            return None
        return seen.workflow_id if record.id in seen.execution.state.commands else None

    async def _given(self, record: OperationRecord, subject: Subject | None) -> tuple[str, Taken | None]:
        """The run that took the command, and its answer; None if the run was started with the command."""
        command = command_of(record.request, command_id=record.id, actor=record.actor, reason=record.reason)
        # What undoes an ended execution begins with its newest state, so it is looked at again.
        if subject is None or isinstance(record.request, Compensate):
            subject = await self._world.subjects.find(record.execution_id)
        workflow_id = subject.seen.workflow_id
        if record.id in subject.execution.state.commands:
            return workflow_id, None
        if not isinstance(record.request, Compensate):
            return workflow_id, await self._world.live.command(workflow_id, command, revision=record.before)
        for _ in range(TRIES - 1):
            try:
                return await self._compensate(subject, record.request, command)
            except PlanMovedError:
                raise
            except ConflictError:
                subject = await self._world.subjects.find(record.execution_id)
        return await self._compensate(subject, record.request, command)

    async def _compensate(self, subject: Subject, request: Compensate, command: Operator) -> tuple[str, Taken | None]:
        plan, live = self.check_confirmation(subject, request), self._world.live
        seen = subject.seen
        if seen.is_open:
            return seen.workflow_id, await live.command(seen.workflow_id, command, revision=plan.revision)
        if seen.gone and seen.ended is not None:
            wait = seen.ended + self._world.quiet - self._world.clock.now()
            await self._world.clock.sleep(wait)
        assert isinstance(command, CompensateRequested)  # noqa: S101 - that is what the request stands for
        linked = linked_id(plan.execution_id)
        if await live.begin_undo(subject.seed(), command):
            return linked, None
        return linked, await live.command(linked, command)

    def check_confirmation(self, subject: Subject, request: Compensate) -> UndoPlan:
        """The present plan, if it is the one that is confirmed and may still be carried out.

        Raises:
            RefusedCommandError: the window has passed, or the override is needed, or nothing is to be undone.
            PlanMovedError: it is another plan now.
        """
        plan = plan_undo(subject.to_undo(), request.from_step)
        if is_over(subject, self._world.clock.now()):
            raise RefusedCommandError("compensate", window_over(subject))
        if plan.hash != request.plan:
            raise PlanMovedError(plan, revision=plan.revision)
        if plan.needs_override and not request.override:
            raise RefusedCommandError("compensate", "it goes past the point of no return: that needs the override")
        if not plan.steps:
            raise RefusedCommandError("compensate", NOTHING)
        return plan
