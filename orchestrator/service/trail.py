"""What was done, for those who ask: operations and the audit, scoped to the sagas of the caller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.errors import InvalidRequestError, OperationNotFoundError
from orchestrator.service.access import Permission
from orchestrator.service.auditing import verify
from orchestrator.service.records import saga_of

if TYPE_CHECKING:
    from orchestrator.service.access import Caller
    from orchestrator.service.auditing import AuditRow, Tampering
    from orchestrator.service.operations import OperationRecord, Register

MOST_ROWS = 200
READ_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which operations, or rows of the audit, are wanted; an empty field asks for nothing.

    Attributes:
        target: an execution's id; in the audit also `starts:saga`, `commands:participant`, `bulk:id`, `token:id`.
        sagas: only what was done to executions of these, or to their starts; None = to anything.
    """

    target: str = ""
    actor: str = ""
    sagas: frozenset[str] | None = None


class Trail:
    """The use cases. Every method raises `DeniedError` and `StoreUnavailableError`."""

    def __init__(self, register: Register) -> None:
        self._register = register

    async def operations(
        self, caller: Caller, sought: Sought, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[OperationRecord, ...]:
        """Operations, the newest first; `before` = (accepted_ms, id) of the last one of the page before.

        Raises:
            InvalidRequestError: `limit` is not 1 to `MOST_ROWS`.
        """
        _check_limit(limit)
        caller.require(Permission.READ, saga_of(sought.target) if sought.target else None)
        return await self._register.page(replace(sought, sagas=caller.sagas), before=before, limit=limit)

    async def operation(self, caller: Caller, operation_id: str) -> OperationRecord:
        """An operation as it is written down; `Operating.look_at` also sees what has come of it since.

        Raises:
            OperationNotFoundError: there is none, or none that this caller may see.
        """
        record = await self._register.find(operation_id)
        if record is None or not caller.may(Permission.READ, saga_of(record.execution_id)):
            raise OperationNotFoundError(operation_id)
        return record

    async def audit(
        self, caller: Caller, sought: Sought, *, before: int | None = None, limit: int = 50
    ) -> tuple[AuditRow, ...]:
        """Rows of the audit, the newest first; `before`: the number of the last one of the page before.

        Raises:
            InvalidRequestError: `limit` is not 1 to `MOST_ROWS`.
        """
        _check_limit(limit)
        caller.require(Permission.AUDIT)
        return await self._register.trail(replace(sought, sagas=caller.sagas), before=before, limit=limit)

    async def verify(self, caller: Caller) -> tuple[Tampering, ...]:
        """Every fault of the audit's chain, read from its beginning: it says nothing of what the rows say."""
        caller.require(Permission.AUDIT)
        rows: list[AuditRow] = []
        head = before = await self._register.audit_head()
        while True:
            page = await self._register.audit(after=rows[-1].number if rows else 0, limit=READ_AT_ONCE)
            rows += page
            if page:
                continue
            # Rows that were written while we read come with a later head; rows behind the last head are nobody's.
            before, head = head, await self._register.audit_head()
            if head == before or (rows and head.number <= rows[-1].number):
                return tuple(verify(rows, head))


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_ROWS:
        raise InvalidRequestError([("/limit", f"1 to {MOST_ROWS}")])
