"""The ledger's messages made anew from the event store. Implements `service.noting.LedgerMessages`.

Executions are taken a page at a time, each page in one transaction. What an execution sent names it; which events it
took is known by its state. Both are found along an index.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from orchestrator.adapters.sql.databases import insert_of
from orchestrator.adapters.sql.event_reader import message_of, whole
from orchestrator.adapters.sql.event_tables import event_store
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_rows import by_key, message_values, state_of
from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.sealing import OPEN
from orchestrator.service.noting import Noted, noted_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.records import MessageRecord
    from orchestrator.stored import StoredMessage

AT_ONCE = 20
"""Executions of one transaction: few, since each may have many messages with bodies."""
_KEY = ("execution_id", "message_id", "direction")
_e, _s = executions.c, event_store.c


class SqlNotedMessages:
    """The projection.

    Args:
        engine: one that `databases.open_engine` made.
        seal: opens what the store has, and closes what the ledger gets.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        made = insert_of(engine.dialect)(messages)
        changed = {column.name: made.excluded[column.name] for column in messages.c if column.name not in _KEY}
        self._put: Any = made.on_conflict_do_update(index_elements=list(_KEY), set_=changed)

    async def rebuild(self, sagas: frozenset[str] | None) -> Noted:
        """Page by page, by execution id."""
        after, number, count = "", 0, 0
        while True:
            asked = select(_e.execution_id, _e.state).where(_e.execution_id > after)
            asked = asked if sagas is None else asked.where(_e.saga.in_(sorted(sagas)))
            with outages():
                ids, made = await self._page(asked.order_by(_e.execution_id).limit(AT_ONCE))
            if not ids:
                return Noted(number, count)
            after, number, count = ids[-1], number + len(ids), count + made

    async def _page(self, asked: Executable) -> tuple[list[str], int]:
        """The executions of a page, and how many rows they have got."""
        async with self._engine.begin() as connection:
            page = (await connection.execute(asked)).all()
            records = await self._records(connection, page) if page else []
            values = by_key([message_values(one, self._seal) for one in records])
            if values:
                await connection.execute(self._put, values)
        return [row.execution_id for row in page], len(values)

    async def _records(self, connection: AsyncConnection, page: Sequence[Any]) -> list[MessageRecord]:
        takers: dict[str, list[str]] = defaultdict(list)
        for row in page:
            for identity in state_of(row.state, self._seal)["seen"]:
                takers[identity].append(row.execution_id)
        ids = {row.execution_id for row in page}
        wanted = or_(_s.execution_id.in_(sorted(ids)), _s.identity.in_(sorted(takers)))
        found = (await connection.execute(whole().where(wanted).order_by(_s.number))).mappings().all()
        records: dict[tuple[str, str, str], MessageRecord] = {}
        for row in found:
            message = message_of(row, self._seal)
            owners = [message.execution_id] if message.execution_id in ids else []
            for one in _noted(message, owners, takers[message.identity]):
                records.setdefault((one.execution_id, one.message_id, one.direction), one)
        return list(records.values())


def _noted(message: StoredMessage, owners: Sequence[str], takers: Sequence[str]) -> Iterator[MessageRecord]:
    made = [noted_of(message, execution_id, is_taken=False) for execution_id in owners]
    made += [noted_of(message, execution_id, is_taken=True) for execution_id in takers]
    yield from (record for record in made if record is not None)
