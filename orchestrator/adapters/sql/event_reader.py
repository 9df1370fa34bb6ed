"""Reads the event store. Implements `service.event_ports.EventReader`.

Every answer is read along an index: by number, from a place on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, union

from orchestrator.adapters.sql.event_tables import event_store
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import executions, messages
from orchestrator.sealing import OPEN
from orchestrator.service.event_ports import Gap
from orchestrator.stored import StoredMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Executable, RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.service.event_ports import EventFilter
    from orchestrator.stored import Contents

_c = event_store.c
CONTENTS = ("headers", "body")
_NOT_SHOWN = ("saga", "place", *CONTENTS)
_LINE = tuple(column for column in _c if column.name not in _NOT_SHOWN)
COLUMNS: Mapping[Contents, Sequence[Column[Any]]] = {
    "none": _LINE,
    "headers": (*_LINE, _c.headers),
    "all": (*_LINE, _c.headers, _c.body),
}


class SqlEventReader:
    """The event store, for those who ask.

    Args:
        engine: one that `databases.open_reading_engine` made.
        seal: opens what the store closed.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal

    async def page(
        self,
        wanted: EventFilter,
        *,
        after: int = 0,
        limit: int = 50,
        newest_first: bool = False,
        contents: Contents = "none",
    ) -> Sequence[StoredMessage]:
        """One page, by number."""
        asked = select(*COLUMNS[contents]).where(*_conditions(wanted)).limit(limit)
        if newest_first:
            asked = asked.order_by(_c.number.desc())
            asked = asked.where(_c.number < after) if after else asked
        else:
            asked = asked.where(_c.number > after).order_by(_c.number)
        return [message_of(row, self._seal) for row in await self._read(asked)]

    async def count(self, wanted: EventFilter, *, cap: int) -> int:
        """Up to a cap."""
        some = select(_c.number).where(*_conditions(wanted)).limit(cap).subquery()
        (found,) = await self._read(select(func.count().label("number")).select_from(some))
        return int(found["number"])

    async def gaps(self, *, source: str = "", limit: int = 100) -> Sequence[Gap]:
        """By comparing each sequence with the one before it, along their index."""
        before = func.lag(_c.place).over(partition_by=_c.source, order_by=_c.place)
        numbered = (
            select(_c.source, _c.place, _c.stored_ms, before.label("before"))
            .where(_c.place.is_not(None), *([_c.source == source] if source else []))
            .subquery()
        )
        n = numbered.c
        asked = select(n.source, n.place, n.before, n.stored_ms).where(n.place > n.before + 1)
        found = await self._read(asked.order_by(n.source, n.place).limit(limit))
        return [Gap(row["source"], row["before"] + 1, row["place"] - 1, row["stored_ms"]) for row in found]

    async def _read(self, asked: Executable) -> Sequence[RowMapping]:
        with outages():
            async with self._engine.connect() as connection:
                found: Sequence[RowMapping] = (await connection.execute(asked)).mappings().all()
                return found


def whole() -> Select[Any]:
    """Messages with their contents."""
    return select(*COLUMNS["all"])


def message_of(row: RowMapping, seal: Seal) -> StoredMessage:
    """A row as a message."""
    values: dict[str, Any] = dict(row)
    if "headers" in values:
        values["headers"] = json.loads(seal.open(values["headers"]))
    if values.get("body") is not None:
        values["body"] = seal.open(values["body"])
    return StoredMessage(**values)


def _conditions(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.correlation_id:
        yield _c.number.in_(_thread(_c.correlation_id == wanted.correlation_id, _run_under(wanted.correlation_id)))
    if wanted.execution_id:
        yield _c.number.in_(
            _thread(_c.execution_id == wanted.execution_id, messages.c.execution_id == wanted.execution_id)
        )
    if wanted.types:
        yield _c.type.in_(wanted.types)
    if wanted.ids:
        yield or_(_c.message_id.in_(wanted.ids), _c.identity.in_(wanted.ids))
    for name in ("kind", "source"):
        if value := getattr(wanted, name):
            yield _c[name] == value
    if wanted.since_ms is not None:
        yield _c.stored_ms >= wanted.since_ms
    if wanted.until_ms is not None:
        yield _c.stored_ms < wanted.until_ms
    if wanted.sagas is not None:
        yield _c.saga.in_(sorted(wanted.sagas))


def _thread(named: ColumnElement[bool], of_execution: ColumnElement[bool]) -> Select[Any]:
    """Numbers of those that say whose they are, and of the events that the ledger knows were taken."""
    taken = (
        select(_c.number)
        .join(messages, messages.c.message_id == _c.identity)
        .where(of_execution, messages.c.direction == "in", messages.c.kind == "event")
    )
    both = union(select(_c.number).where(named), taken).subquery()
    return select(both.c.number)


def _run_under(correlation_id: str) -> ColumnElement[bool]:
    """The execution that it names, and those under it: a first event without one gives the execution's id."""
    under = select(executions.c.execution_id).where(executions.c.correlation_id == correlation_id)
    return or_(messages.c.execution_id == correlation_id, messages.c.execution_id.in_(under))
