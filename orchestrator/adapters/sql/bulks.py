"""Bulks on SQL. Implements `service.bulk_records.Bulks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import and_, exists, false, func, insert, not_, or_, select, tuple_, update

from orchestrator.adapters.sql.audit_chain import append, lock
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.register_tables import bulk_items, bulks, of_saga
from orchestrator.adapters.sql.shared_writes import SharedWrites
from orchestrator.sealing import OPEN
from orchestrator.service.access import Caller
from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import ColumnElement, Executable, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.adapters.sql.audit_chain import Chain
    from orchestrator.sealing import Seal
    from orchestrator.service.auditing import AuditEntry
    from orchestrator.service.bulk_records import BulkState, ItemState

_callers: TypeAdapter[Caller] = TypeAdapter(Caller)
AT_ONCE = 500


class SqlBulks:
    """Keeps bulks. `engine`, `seal`, `writes`: as of `SqlRegister`."""

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN, writes: SharedWrites | None = None) -> None:
        self._engine = engine
        self._seal = seal
        self._writes = writes or SharedWrites(engine, seal)

    async def create(self, bulk: Bulk, ids: Sequence[str], entry: AuditEntry) -> Bulk:
        """Store it with its items, unless its key is known."""
        items = [
            {"bulk": bulk.id, "number": number, "execution_id": name, "state": "waiting", "round": 1}
            | {"operation_id": "", "text": b""}
            for number, name in enumerate(ids, start=1)
        ]
        with outages():
            async with self._engine.begin() as connection:
                head = await lock(connection)  # from here on nobody else begins one
                known = (await connection.execute(_by_key(bulk.caller.actor, bulk.key))).first()
                if known is not None:
                    return self._bulk(known)
                await connection.execute(insert(bulks).values(self._values(bulk)))
                for start in range(0, len(items), AT_ONCE):
                    await connection.execute(insert(bulk_items), items[start : start + AT_ONCE])
                await append(connection, self._seal, head, entry)
        return bulk

    async def find(self, bulk_id: str) -> Bulk | None:
        """By id."""
        return await self._read_one(select(bulks).where(bulks.c.id == bulk_id))

    async def by_key(self, actor: str, key: str) -> Bulk | None:
        """By actor and key."""
        return await self._read_one(_by_key(actor, key))

    async def running(self) -> tuple[Bulk, ...]:
        """The oldest first."""
        wanted = select(bulks).where(bulks.c.state == "running").order_by(bulks.c.created_ms, bulks.c.id)
        return tuple(self._bulk(row) for row in await self._rows(wanted))

    async def recent(self, seen_by: Caller, *, before: tuple[int, str] | None = None, limit: int) -> tuple[Bulk, ...]:
        """The newest first."""
        wanted = (
            select(bulks).where(*_seen_by(seen_by)).order_by(bulks.c.created_ms.desc(), bulks.c.id.desc()).limit(limit)
        )
        if before is not None:
            wanted = wanted.where(tuple_(bulks.c.created_ms, bulks.c.id) < before)
        return tuple(self._bulk(row) for row in await self._rows(wanted))

    async def is_seen_by(self, caller: Caller, bulk_id: str) -> bool:
        """By its executions, if the caller may not touch all sagas."""
        return bool(await self._rows(select(bulks.c.id).where(bulks.c.id == bulk_id, *_seen_by(caller))))

    async def end(self, bulk_id: str, state: BulkState) -> None:
        """Store the end of one that is running."""
        one = (bulks.c.id == bulk_id, bulks.c.state == "running")
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(update(bulks).where(*one).values(state=state))

    async def move(self, bulk_id: str, states: Collection[BulkState], state: BulkState, entry: AuditEntry) -> bool:
        """Store an order, with its audit entry."""
        one = (bulks.c.id == bulk_id, bulks.c.state.in_(states))
        with outages():
            async with self._engine.begin() as connection:
                head = await lock(connection)
                moved = (await connection.execute(update(bulks).where(*one).values(state=state))).rowcount == 1
                if moved:
                    await append(connection, self._seal, head, entry)
        return moved

    async def settle(self, bulk_id: str, item: BulkItem, state: ItemState, *, text: str, operation_id: str) -> None:
        """Store an item's result."""
        one = (bulk_items.c.bulk == bulk_id, bulk_items.c.number == item.number, bulk_items.c.round == item.round)
        values = {"state": state, "text": self._seal.close(text.encode()), "operation_id": operation_id}
        statement = update(bulk_items).where(*one).values(values)

        async def write(connection: AsyncConnection, _: Chain) -> None:
            await connection.execute(statement)

        await self._writes.do(write)

    async def renew_failed(self, bulk_id: str) -> int:
        """Let failed items wait again."""
        failed = (bulk_items.c.bulk == bulk_id, bulk_items.c.state == "failed")
        statement = update(bulk_items).where(*failed).values(state="waiting", round=bulk_items.c.round + 1)
        with outages():
            async with self._engine.begin() as connection:
                return (await connection.execute(statement)).rowcount

    async def counts(self, bulk_id: str) -> BulkCounts:
        """By state."""
        number = func.count().label("number")
        wanted = select(bulk_items.c.state, number).where(bulk_items.c.bulk == bulk_id)
        rows = await self._rows(wanted.group_by(bulk_items.c.state))
        return BulkCounts(**{row.state: row.number for row in rows})

    async def items(
        self, bulk_id: str, state: ItemState | None = None, *, after: int = 0, limit: int = 200
    ) -> tuple[BulkItem, ...]:
        """By number."""
        wanted = select(bulk_items).where(bulk_items.c.bulk == bulk_id, bulk_items.c.number > after)
        if state is not None:
            wanted = wanted.where(bulk_items.c.state == state)
        return tuple(self._item(row) for row in await self._rows(wanted.order_by(bulk_items.c.number).limit(limit)))

    async def _rows(self, wanted: Executable) -> Sequence[Row[Any]]:
        with outages():
            async with self._engine.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(wanted)).all()
                return rows

    async def _read_one(self, wanted: Select[Any]) -> Bulk | None:
        rows = await self._rows(wanted)
        return self._bulk(rows[0]) if rows else None

    def _values(self, bulk: Bulk) -> dict[str, Any]:
        return {
            "id": bulk.id,
            "actor": bulk.caller.actor,
            "caller": self._seal.close(_callers.dump_json(bulk.caller)),
            "word": bulk.word,
            "reason": self._seal.close(bulk.reason.encode()),
            "given_key": bulk.key,
            "rate": bulk.rate,
            "state": bulk.state,
            "total": bulk.total,
            "created_ms": bulk.created_ms,
            "override": bulk.override,
        }

    def _bulk(self, row: Row[Any]) -> Bulk:
        return Bulk(
            id=row.id,
            caller=_callers.validate_json(self._seal.open(row.caller)),
            word=row.word,
            reason=self._seal.open(row.reason).decode(),
            key=row.given_key,
            rate=row.rate,
            state=row.state,
            total=row.total,
            created_ms=row.created_ms,
            override=row.override,
        )

    def _item(self, row: Row[Any]) -> BulkItem:
        return BulkItem(
            number=row.number,
            execution_id=row.execution_id,
            state=row.state,
            round=row.round,
            operation_id=row.operation_id,
            text=self._seal.open(row.text).decode(),
        )


def _by_key(actor: str, key: str) -> Select[Any]:
    return select(bulks).where(bulks.c.actor == actor, bulks.c.given_key == key)


def _seen_by(caller: Caller) -> Iterator[ColumnElement[bool]]:
    """What a bulk must fulfil for a caller to see it: nothing, for those who may touch all sagas."""
    if caller.sagas is None:
        return
    its_items = bulk_items.c.bulk == bulks.c.id
    inside = or_(false(), *(of_saga(bulk_items.c.execution_id, saga) for saga in sorted(caller.sagas)))
    outside = exists().where(its_items, not_(inside))
    yield or_(bulks.c.actor == caller.actor, and_(exists().where(its_items), not_(outside)))
