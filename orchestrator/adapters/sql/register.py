"""Operations and the audit on SQL. Implements `service.operations.Register`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, tuple_, update

from orchestrator.adapters.sql.audit_chain import ENTRY
from orchestrator.adapters.sql.databases import insert_of
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.register_tables import audit, audit_head, of_saga, operations
from orchestrator.adapters.sql.shared_writes import SharedWrites
from orchestrator.sealing import OPEN
from orchestrator.service.auditing import AuditEntry, AuditRow, Head
from orchestrator.service.operations import FINAL, OperationRecord
from orchestrator.service.requests import REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.adapters.sql.audit_chain import Chain
    from orchestrator.sealing import Seal
    from orchestrator.service.trail import Sought

RECORD = (
    "id",
    "execution_id",
    "actor",
    "role",
    "body_hash",
    "state",
    "workflow_id",
    "before",
    "after",
    "bulk",
    "accepted_ms",
    "settled_ms",
)
MOVING = ("state", "workflow_id", "before", "after", "settled_ms")
"""What changes on its way."""


class SqlRegister:
    """Keeps operations and the audit.

    Args:
        engine: one that `databases.open_engine` made; its transactions are written one after the other on SQLite.
        seal: closes what may hold payloads.
        writes: what shares transactions with this; None = it has its own.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN, writes: SharedWrites | None = None) -> None:
        self._engine = engine
        self._seal = seal
        self._writes = writes or SharedWrites(engine, seal)

    async def accept(self, operation: OperationRecord, entry: AuditEntry) -> OperationRecord:
        """Store both, unless the key or the plan is known."""

        async def write(connection: AsyncConnection, chain: Chain) -> OperationRecord:
            # The chain is locked: from here on nobody else accepts.
            confirming = _confirming(operation.execution_id, operation.plan)
            if operation.plan and (known := await self._one(connection, confirming)) is not None:
                return await self._one(connection, _by_key(operation.actor, operation.key)) or known
            new = insert_of(connection.dialect)(operations).values(self._values(operation))
            stored = await connection.execute(new.on_conflict_do_nothing(index_elements=["actor", "given_key"]))
            if stored.rowcount == 0:
                return self._record((await connection.execute(_by_key(operation.actor, operation.key))).one())
            chain.append(entry)
            return operation

        return await self._writes.do(write)

    async def change(self, operation: OperationRecord, entry: AuditEntry | None = None) -> bool:
        """Store how far it is, if it has no end yet."""
        moving = update(operations).where(operations.c.id == operation.id, operations.c.state.not_in(FINAL))
        moved = {name: getattr(operation, name) for name in MOVING}
        statement = moving.values({**moved, "text": self._close(operation.text)})

        async def write(connection: AsyncConnection, chain: Chain) -> bool:
            has_changed = (await connection.execute(statement)).rowcount == 1
            if has_changed and entry is not None:
                chain.append(entry)
            return has_changed

        return await self._writes.do(write)

    async def note(self, entry: AuditEntry) -> None:
        """Add to the audit alone."""

        async def write(_: AsyncConnection, chain: Chain) -> None:
            chain.append(entry)

        await self._writes.do(write)

    async def find(self, operation_id: str) -> OperationRecord | None:
        """An operation."""
        return await self._read_one(select(operations).where(operations.c.id == operation_id))

    async def by_key(self, actor: str, key: str) -> OperationRecord | None:
        """By actor and key."""
        return await self._read_one(_by_key(actor, key))

    async def of_bulk(self, bulk_id: str, execution_ids: Sequence[str]) -> tuple[OperationRecord, ...]:
        """By execution, which has an index."""
        of_these = operations.c.execution_id.in_(execution_ids)
        wanted = select(operations).where(of_these, operations.c.bulk == bulk_id)
        return await self._read(wanted.order_by(operations.c.accepted_ms, operations.c.given_key))

    async def confirming(self, execution_id: str, plan: str) -> OperationRecord | None:
        """By execution and plan."""
        return await self._read_one(_confirming(execution_id, plan))

    async def of_execution(self, execution_id: str, *, limit: int = 50) -> tuple[OperationRecord, ...]:
        """Newest first."""
        wanted = select(operations).where(operations.c.execution_id == execution_id)
        return await self._read(wanted.order_by(operations.c.accepted_ms.desc(), operations.c.id).limit(limit))

    async def page(
        self, sought: Sought, *, before: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[OperationRecord, ...]:
        """Newest first."""
        behind = () if before is None else (tuple_(operations.c.accepted_ms, operations.c.id) < before,)
        wanted = select(operations).where(*_sought(operations.c.execution_id, operations.c.actor, sought), *behind)
        newest = (operations.c.accepted_ms.desc(), operations.c.id.desc())
        return await self._read(wanted.order_by(*newest).limit(limit))

    async def unsettled(self, *, after: str = "", limit: int = 200) -> tuple[OperationRecord, ...]:
        """By id."""
        wanted = select(operations).where(operations.c.state.in_(("accepted", "applied")), operations.c.id > after)
        return await self._read(wanted.order_by(operations.c.id).limit(limit))

    async def audit(self, *, after: int = 0, limit: int = 1_000) -> tuple[AuditRow, ...]:
        """By number."""
        return await self._rows(select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(limit))

    async def trail(self, sought: Sought, *, before: int | None = None, limit: int = 50) -> tuple[AuditRow, ...]:
        """Newest first."""
        behind = () if before is None else (audit.c.number < before,)
        wanted = select(audit).where(*_sought(audit.c.target, audit.c.actor, sought), *behind)
        return await self._rows(wanted.order_by(audit.c.number.desc()).limit(limit))

    async def audit_head(self) -> Head:
        """The last row that was written."""
        with outages():
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(audit_head))).one()
        return Head(row.number, row.hash)

    async def _read(self, wanted: Select[Any]) -> tuple[OperationRecord, ...]:
        with outages():
            async with self._engine.connect() as connection:
                return tuple(self._record(row) for row in (await connection.execute(wanted)).all())

    async def _read_one(self, wanted: Select[Any]) -> OperationRecord | None:
        return next(iter(await self._read(wanted)), None)

    async def _rows(self, wanted: Select[Any]) -> tuple[AuditRow, ...]:
        with outages():
            async with self._engine.connect() as connection:
                return tuple(self._audit_row(row) for row in (await connection.execute(wanted)).all())

    async def _one(self, connection: AsyncConnection, wanted: Select[Any]) -> OperationRecord | None:
        row = (await connection.execute(wanted)).first()
        return None if row is None else self._record(row)

    def _values(self, record: OperationRecord) -> dict[str, Any]:
        plain = {name: getattr(record, name) for name in RECORD}
        request = self._seal.close(REQUEST.dump_json(record.request))
        sealed = {"request": request, "reason": self._close(record.reason), "text": self._close(record.text)}
        return {**plain, **sealed, "plan": record.plan, "given_key": record.key}

    def _record(self, row: Row[Any]) -> OperationRecord:
        return OperationRecord(
            **{name: getattr(row, name) for name in RECORD},
            key=row.given_key,
            request=REQUEST.validate_json(self._seal.open(row.request)),
            reason=self._open(row.reason),
            text=self._open(row.text),
        )

    def _audit_row(self, row: Row[Any]) -> AuditRow:
        plain = {name: getattr(row, name) for name in ENTRY}
        entry = AuditEntry(**plain, reason=self._open(row.reason), text=self._open(row.text))
        return AuditRow(row.number, entry, row.previous, row.hash)

    def _close(self, text: str) -> bytes:
        return self._seal.close(text.encode())

    def _open(self, stored: bytes) -> str:
        return self._seal.open(stored).decode()


def _sought(target: Column[Any], actor: Column[Any], sought: Sought) -> Iterator[ColumnElement[bool]]:
    if sought.target:
        yield target == sought.target
    if sought.actor:
        yield actor == sought.actor
    if sought.sagas is not None:
        of_sagas = (of_saga(target, saga) for saga in sorted(sought.sagas))
        starts = target.in_([f"starts:{saga}" for saga in sorted(sought.sagas)])
        yield or_(starts, *of_sagas)


def _by_key(actor: str, key: str) -> Select[Any]:
    return select(operations).where(operations.c.actor == actor, operations.c.given_key == key)


def _confirming(execution_id: str, plan: str) -> Select[Any]:
    return select(operations).where(
        operations.c.execution_id == execution_id,
        operations.c.plan == plan,
        operations.c.state.not_in(("failed", "no_effect")),
    )
