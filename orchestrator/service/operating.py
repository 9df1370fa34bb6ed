"""Operate an execution: permission, reason, key, the table, revision, audit, command; then what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import (
    ConflictError,
    DeniedError,
    EngineUnavailableError,
    ExecutionNotFoundError,
    InvalidRequestError,
    KeyReusedError,
    OperationNotFoundError,
    RefusedCommandError,
)
from orchestrator.service.access import Permission
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.bulk_records import Part
from orchestrator.service.checking import changes, checked
from orchestrator.service.compensation import plan_undo
from orchestrator.service.delivering import Delivering
from orchestrator.service.operations import Instruction, OperationRecord, body_hash, check_same
from orchestrator.service.reasons import check_words
from orchestrator.service.records import milliseconds, saga_of
from orchestrator.service.requests import Compensate, EditAndRetry, command_of
from orchestrator.service.rules import PERMISSIONS, why_not
from orchestrator.service.verifying import came_of

if TYPE_CHECKING:
    from orchestrator.saga.handlers import Handlers
    from orchestrator.service.access import Caller
    from orchestrator.service.checking import Change
    from orchestrator.service.compensation import UndoPlan
    from orchestrator.service.live import Live
    from orchestrator.service.operations import Clock, Register
    from orchestrator.service.ports import LedgerReader
    from orchestrator.service.requests import Request
    from orchestrator.service.subjects import Subject, Subjects

REFUSALS = (
    ConflictError,
    DeniedError,
    ExecutionNotFoundError,
    InvalidRequestError,
    KeyReusedError,
    RefusedCommandError,
)
"""What a caller may be told instead of yes; each is audited. That a server is away is no refusal."""


@dataclass(frozen=True, slots=True)
class World:
    """What the use cases work with. `handlers`: the authors' code, to check what people type."""

    live: Live
    ledger: LedgerReader
    register: Register
    clock: Clock
    subjects: Subjects
    handlers: Handlers
    quiet: timedelta = timedelta(seconds=6)
    """How long after the end of a run that was ended from outside a slow worker may still perform it."""

    def now_ms(self) -> int:
        """The present moment, epoch milliseconds."""
        return milliseconds(self.clock.now())


@dataclass(frozen=True, slots=True)
class Preview:
    """What an operation would do: allowed as it stands; `changes` to the input of a step, or the plan of an undo."""

    changes: tuple[Change, ...] = ()
    plan: UndoPlan | None = None


class Operating:
    """The use cases of one execution."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._delivering = Delivering(world)

    async def operate(
        self, caller: Caller, execution_id: str, given: Instruction, part: Part | None = None
    ) -> OperationRecord:
        """Accept an operation, give its command, and say how far it is. The same key again is the same operation.

        It is `accepted` and no more if Temporal, or every worker, went away behind the acceptance: then the same call
        again or `settle` gives the command. `part`: of a bulk that it is.

        Raises:
            DeniedError, InvalidRequestError, RefusedCommandError, ConflictError, PlanMovedError, KeyReusedError,
                ExecutionNotFoundError: it was not accepted, or not taken; the audit says so.
            EngineUnavailableError: Temporal is away, and nothing was accepted.
            StoreUnavailableError: the ledger is away; the same call again finds out what was accepted.
        """
        try:
            record, subject = await self._accepted(caller, execution_id, given, part or Part())
        except REFUSALS as error:
            await self._world.register.note(self._entry(caller, execution_id, given, "refused", str(error)))
            raise
        if record.state != "accepted":
            return record
        try:
            return await self._delivering.deliver(record, subject)
        except EngineUnavailableError as error:
            return replace(record, text=f"it waits: {error}")

    async def preview(self, caller: Caller, execution_id: str, given: Instruction) -> Preview:
        """The same checks without any effect; payloads are shown to those who may see them. Errors: see `operate`."""
        self._check_rights(caller, execution_id, given)
        subject, request = await self._checked(execution_id, given)
        may_see = caller.may(Permission.PAYLOAD, saga_of(execution_id))
        if isinstance(request, EditAndRetry):
            return Preview(changes=changes(subject.execution, request) if may_see else ())
        if isinstance(request, Compensate):
            return Preview(plan=_shown(plan_undo(subject.to_undo(), request.from_step), may_see=may_see))
        return Preview()

    async def find(self, caller: Caller, execution_id: str) -> Subject:
        """An execution as it is now, facts and all that it holds included: for callers who may see payloads.

        Raises:
            DeniedError: not by this caller.
            ExecutionNotFoundError, RefusedCommandError, EngineUnavailableError, StoreUnavailableError: see `Subjects`.
        """
        saga = saga_of(execution_id)
        caller.require(Permission.READ, saga)
        caller.require(Permission.PAYLOAD, saga)
        return await self._world.subjects.find(execution_id)

    async def plan(self, caller: Caller, execution_id: str, from_step: str | None = None) -> UndoPlan:
        """What compensating would do now. A plan does not say that the caller may confirm it.

        Raises:
            DeniedError, ExecutionNotFoundError: see `operate`.
            RefusedCommandError: it cannot be undone now at all.
        """
        saga = saga_of(execution_id)
        caller.require(Permission.READ, saga)
        subject = await self._world.subjects.find(execution_id)
        plan = plan_undo(subject.to_undo(), from_step)
        return _shown(plan, may_see=caller.may(Permission.PAYLOAD, saga))

    async def look_at(self, caller: Caller, operation_id: str) -> OperationRecord:
        """How far an operation is, by what the saga shows now; while Temporal is away, by what was seen last.

        Raises:
            OperationNotFoundError: there is none, or none that this caller may see.
        """
        record = await self._world.register.find(operation_id)
        if record is None or not caller.may(Permission.READ, saga_of(record.execution_id)):
            raise OperationNotFoundError(operation_id)
        try:
            return await self.settle(record)
        except EngineUnavailableError:
            return record

    async def settle(self, record: OperationRecord) -> OperationRecord:
        """Bring an operation as far as it can be now: give a command that was only accepted, or see what came of it."""
        try:
            return await self._settled(record)
        except REFUSALS:  # it is written down
            return await self._world.register.find(record.id) or record

    async def _settled(self, record: OperationRecord) -> OperationRecord:
        if record.state == "accepted":
            record = await self._delivering.deliver(record)
        if record.state != "applied":
            return record
        try:
            subject = await self._world.subjects.find(record.execution_id)
        except ExecutionNotFoundError:
            text = "nobody knows the execution any more: what came of it cannot be told"
            return await self._delivering.end(record, "failed", text)
        found = came_of(record, subject)
        return record if found is None else await self._delivering.end(record, *found)

    async def _accepted(
        self, caller: Caller, execution_id: str, given: Instruction, part: Part
    ) -> tuple[OperationRecord, Subject | None]:
        """The operation, and its execution as it was just seen, if this call is the first to ask for it."""
        self._check_rights(caller, execution_id, given)
        known = None if part.is_new else await self._known(caller, execution_id, given)
        if known is not None:
            return known, None
        try:
            subject, request = await self._checked(execution_id, given, part.subject)
        except REFUSALS:
            # What is refused now may have been accepted from another process since it was taken for new.
            known = await self._world.register.by_key(caller.actor, given.key) if part.is_new else None
            if known is None:
                raise
            return known, None
        record = replace(self._record(caller, execution_id, given, request), bulk=part.bulk)
        entry = self._entry(caller, execution_id, given, "accepted", "")
        stored = await self._world.register.accept(
            record, replace(entry, operation_id=record.id, before=given.revision)
        )
        if not part.is_new:  # the key of a bulk's item names the item, whose steps may have moved since
            check_same(stored, execution_id, given)
        return stored, subject if stored.id == record.id else None

    async def _known(self, caller: Caller, execution_id: str, given: Instruction) -> OperationRecord | None:
        """What was accepted under this key, or confirms the same plan."""
        known = await self._world.register.by_key(caller.actor, given.key)
        if known is not None:
            check_same(known, execution_id, given)
            return known
        if isinstance(given.request, Compensate):
            return await self._world.register.confirming(execution_id, given.request.plan)
        return None

    def _record(self, caller: Caller, execution_id: str, given: Instruction, request: Request) -> OperationRecord:
        return OperationRecord(
            id=uuid.uuid4().hex,
            execution_id=execution_id,
            actor=caller.actor,
            role=caller.role.value,
            request=request,
            reason=given.reason,
            key=given.key,
            body_hash=body_hash(execution_id, given),
            accepted_ms=self._world.now_ms(),
            before=given.revision,
        )

    def _check_rights(self, caller: Caller, execution_id: str, given: Instruction) -> None:
        saga, request = saga_of(execution_id), given.request
        caller.require(Permission.READ, saga)
        caller.require(PERMISSIONS[request.operation], saga)
        if isinstance(request, Compensate) and request.override:
            caller.require(Permission.OVERRIDE, saga)
        check_words(given.reason, given.key)

    async def _checked(
        self, execution_id: str, given: Instruction, subject: Subject | None = None
    ) -> tuple[Subject, Request]:
        subject = subject or await self._world.subjects.find(execution_id)
        refusal = why_not(given.request.operation, subject.status)
        if refusal:
            raise RefusedCommandError(given.request.operation, refusal)
        revision = subject.execution.state.revision
        if given.revision not in (None, revision):
            changed = await self._changes_since(execution_id, given.revision or 0)
            raise ConflictError(
                f"the execution is at revision {revision}, not {given.revision}", revision=revision, changes=changed
            )
        request = checked(given.request, subject.execution, self._world.handlers)
        if isinstance(request, Compensate):
            self._delivering.check_confirmation(subject, request)
        else:
            command = command_of(request, command_id="", actor="someone", reason=given.reason)
            objection = subject.execution.objection(command)
            if objection:
                raise RefusedCommandError(request.operation, objection)
        return subject, request

    async def _changes_since(self, execution_id: str, revision: int) -> list[str]:
        journal = await self._world.ledger.journal(execution_id)
        later = [entry for entry in journal if entry.revision > revision]
        return [" ".join(filter(None, (str(e.revision), e.kind, e.step, e.actor and f"by {e.actor}"))) for e in later]

    def _entry(self, caller: Caller, execution_id: str, given: Instruction, result: str, text: str) -> AuditEntry:
        return AuditEntry(
            at_ms=self._world.now_ms(),
            actor=caller.actor,
            role=caller.role.value,
            what=given.request.operation,
            target=execution_id,
            result=result,
            reason=given.reason,
            text=text,
            origin=caller.origin,
        )


def _shown(plan: UndoPlan, *, may_see: bool) -> UndoPlan:
    return plan if may_see else plan.without_inputs()
