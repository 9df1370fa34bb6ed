"""Operations as records: what was asked, how far it is, what came of it; the port that keeps them and the audit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from pydantic_core import to_json

from orchestrator.errors import KeyReusedError
from orchestrator.service.requests import REQUEST, Compensate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from orchestrator.service.auditing import AuditEntry, AuditRow, Head
    from orchestrator.service.requests import Request
    from orchestrator.service.trail import Sought

OperationState: TypeAlias = Literal["accepted", "applied", "verified", "failed", "no_effect"]
FINAL = frozenset[OperationState]({"verified", "failed", "no_effect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a caller says.

    Attributes:
        request: what to do.
        reason: why, at least `MIN_REASON` characters.
        key: idempotency key: the same key and content again is the same operation.
        revision: what the caller saw; None = whatever it is.
    """

    request: Request
    reason: str
    key: str
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """One operation, from its acceptance to its end.

    Attributes:
        id: also the id of the engine's command and of the workflow update, so a repeat is the same command.
        body_hash: of what was asked, to tell a repeat from another request under the same key.
        state: accepted (stored), applied (the engine took it), then verified, failed or no_effect.
        before, after: revisions around the command. `workflow_id`: the run that took it.
        text: what came of it, for people. `bulk`: the bulk it belongs to, if it does.
    """

    id: str
    execution_id: str
    actor: str
    role: str
    request: Request
    reason: str
    key: str
    body_hash: str
    accepted_ms: int
    state: OperationState = "accepted"
    workflow_id: str = ""
    before: int | None = None
    after: int | None = None
    text: str = ""
    settled_ms: int | None = None
    bulk: str = ""

    @property
    def plan(self) -> str:
        """Hash of the plan that a compensation confirms, empty for others."""
        return self.request.plan if isinstance(self.request, Compensate) else ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in FINAL


def body_hash(execution_id: str, given: Instruction) -> str:
    """Names what was asked."""
    body: list[Any] = [execution_id, REQUEST.dump_python(given.request, mode="json"), given.reason, given.revision]
    return hashlib.sha256(to_json(body)).hexdigest()


def check_same(known: OperationRecord, execution_id: str, given: Instruction) -> None:
    """See that what came under a key before is what comes under it now.

    Raises:
        KeyReusedError: it is not.
    """
    if known.key == given.key and known.body_hash != body_hash(execution_id, given):
        raise KeyReusedError(given.key, known.id)


class Register(Protocol):
    """Keeps operations and the audit. Every method raises `StoreUnavailableError`."""

    async def accept(self, operation: OperationRecord, entry: AuditEntry) -> OperationRecord:
        """Store both in one transaction.

        If this actor's key is known, or the execution has an operation that confirms the same plan and has not failed,
        nor ended without effect, nothing is stored and that operation is returned.
        """
        ...

    async def change(self, operation: OperationRecord, entry: AuditEntry | None = None) -> bool:
        """Store how far it is, with its audit entry; False, and nothing stored, if it has come to its end already."""
        ...

    async def note(self, entry: AuditEntry) -> None:
        """Add to the audit alone: what was refused."""
        ...

    async def find(self, operation_id: str) -> OperationRecord | None:
        """An operation."""
        ...

    async def by_key(self, actor: str, key: str) -> OperationRecord | None:
        """The operation that was accepted under a key of an actor."""
        ...

    async def of_bulk(self, bulk_id: str, execution_ids: Sequence[str]) -> tuple[OperationRecord, ...]:
        """The operations of a bulk on these executions, the first accepted first."""
        ...

    async def confirming(self, execution_id: str, plan: str) -> OperationRecord | None:
        """The operation that confirms this plan and has neither failed nor ended without effect."""
        ...

    async def of_execution(self, execution_id: str, *, limit: int = 50) -> tuple[OperationRecord, ...]:
        """The newest operations of an execution, newest first."""
        ...

    async def page(
        self, sought: Sought, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[OperationRecord, ...]:
        """Operations, the newest first; `before` = (accepted_ms, id) of the last one of the page before."""
        ...

    async def unsettled(self, *, after: str = "", limit: int = 200) -> tuple[OperationRecord, ...]:
        """Operations without an end, by id, beginning behind `after`."""
        ...

    async def audit(self, *, after: int = 0, limit: int = 1_000) -> tuple[AuditRow, ...]:
        """Rows of the audit, by number, beginning behind `after`."""
        ...

    async def trail(self, sought: Sought, *, before: int | None = None, limit: int = 50) -> tuple[AuditRow, ...]:
        """Rows of the audit, the newest first; `before`: the number of the last one of the page before."""
        ...

    async def audit_head(self) -> Head:
        """The last row that was written."""
        ...


class Clock(Protocol):
    """Time. A port, so that tests need not wait."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        ...

    async def sleep(self, length: timedelta) -> None:
        """Let time pass."""
        ...
