"""Writes the event store. Implements `service.event_ports.EventStore`.

Writers take turns on PostgreSQL, as they do on SQLite: then numbers are given out in the order in which messages become
visible, and whoever has read up to a number has missed none before it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, String, delete, select, text

from orchestrator.adapters.sql.databases import insert_of, take_turn
from orchestrator.adapters.sql.event_tables import FORGOTTEN, event_store
from orchestrator.adapters.sql.inbox import outages
from orchestrator.adapters.sql.ledger_tables import marks
from orchestrator.sealing import OPEN
from orchestrator.service.event_ports import Appended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Executable
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from orchestrator.sealing import Seal
    from orchestrator.stored import StoredMessage

_COLUMNS = tuple(column for column in event_store.c if column.name != "number")
_MADE = ("saga", "place", "headers", "body")
_SAME = tuple(column.name for column in _COLUMNS if column.name not in _MADE)
TURN = "events"


class SqlEventStore:
    """The event store, for the recorder.

    Args:
        engine: one that `databases.open_engine` made.
        seal: closes headers and bodies.
    """

    def __init__(self, engine: AsyncEngine, seal: Seal = OPEN) -> None:
        self._engine = engine
        self._seal = seal
        self._is_postgres = engine.dialect.name == "postgresql"
        insert = insert_of(engine.dialect)
        self._insert: Executable = _from_arrays() if self._is_postgres else insert(event_store).on_conflict_do_nothing()
        self._mark: Any = insert(marks)

    async def append(self, messages: Sequence[StoredMessage]) -> Appended:
        """Store those that are new, by one statement, in one transaction."""
        if not messages:
            return Appended(0)
        values = [self._values(one) for one in messages]
        given: Any = {name: [row[name] for row in values] for name in values[0]} if self._is_postgres else values
        with outages():
            async with self._engine.begin() as connection:
                await take_turn(connection, TURN)
                stored = (await connection.execute(self._insert, given)).rowcount
                differing = () if stored == len(values) else await _differing(connection, values)
        return Appended(stored, differing)

    async def look(self) -> None:
        """See that it can be written to."""
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(select(event_store.c.number).limit(1))

    async def forget(self, *, stored_before_ms: int, limit: int = 5_000) -> int:
        """Move the mark, which lets go of what is older; then remove the oldest."""
        mark = self._mark.values(name=FORGOTTEN, value=stored_before_ms).on_conflict_do_update(
            index_elements=["name"], set_={"value": stored_before_ms}, where=marks.c.value < stored_before_ms
        )
        number, stored_ms = event_store.c.number, event_store.c.stored_ms
        old = select(number).where(stored_ms < stored_before_ms).order_by(stored_ms).limit(limit)
        with outages():
            async with self._engine.begin() as connection:
                await take_turn(connection, TURN)
                await connection.execute(mark)
                return (await connection.execute(delete(event_store).where(number.in_(old)))).rowcount

    def _values(self, message: StoredMessage) -> dict[str, Any]:
        body = message.body
        return {
            **{name: getattr(message, name) for name in _SAME},
            "saga": message.saga[:200],
            "place": message.place,
            "headers": self._seal.close(json.dumps(dict(message.headers or {})).encode()),
            "body": None if body is None else self._seal.close(body),
        }


def _from_arrays() -> Executable:
    """One statement for any number of rows: it is made and planned once, whatever the size of the batch."""
    names = ", ".join(f'"{column.name}"' for column in _COLUMNS)
    arrays = ", ".join(f"CAST(:{column.name} AS {_array_of(column.type)})" for column in _COLUMNS)
    return text(f"INSERT INTO event_store ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING")  # noqa: S608 - names are ours


def _array_of(kind: Any) -> str:
    if isinstance(kind, LargeBinary):
        return "bytea[]"
    return "text[]" if isinstance(kind, String) else "bigint[]"


async def _differing(connection: AsyncConnection, values: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Those of which another body is stored: the first stays, and somebody is told of the second."""
    known = select(event_store.c.identity, event_store.c.body_hash).where(
        event_store.c.identity.in_([row["identity"] for row in values])
    )
    hashes = {row.identity: row.body_hash for row in await connection.execute(known)}
    return tuple(sorted({row["identity"] for row in values if hashes[row["identity"]] != row["body_hash"]}))
