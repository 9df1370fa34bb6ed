"""A participant's store on SQL: inbox, outbox and business tables in one database and one transaction."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.messages import Envelope
from orchestrator.participant.inbox import Row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine

Kind = TypeVar("Kind")

OPEN = "open"
"""State of a row that was claimed in a transaction that has not ended: nobody but that transaction ever reads it."""

metadata = MetaData()
inbox = Table(
    "inbox",
    metadata,
    Column("participant", String(100), primary_key=True),
    Column("forward_key", String(400), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("body_hash", String(64), nullable=False, default=""),
    Column("reply_type", String(200), nullable=False, default=""),
    Column("reply", LargeBinary, nullable=False, default=b"null"),
    Column("code", String(100), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("changed", DateTime(timezone=True), nullable=False, index=True),
)
outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("participant", String(100), nullable=False, index=True),
    Column("envelope", LargeBinary, nullable=False),
)
_envelopes = TypeAdapter(Envelope)


class SqlTransaction:
    """One transaction of one participant. Implements `participant.ports.Transaction`."""

    def __init__(self, connection: AsyncConnection, participant: str) -> None:
        self._connection = connection
        self._participant = participant

    async def claim(self, forward_key: str) -> Row | None:
        """The row of this key. It is inserted first: whoever comes second waits here until we have ended."""
        values = {"participant": self._participant, "forward_key": forward_key, "state": OPEN, "changed": _now()}
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        await self._connection.execute(dialect.insert(inbox).values(values).on_conflict_do_nothing())
        found = (await self._connection.execute(select(inbox).where(*self._is(forward_key)).with_for_update())).one()
        if found.state == OPEN:
            return None
        return Row(
            forward_key=found.forward_key,
            state=found.state,
            body_hash=found.body_hash,
            reply_type=found.reply_type,
            reply=found.reply,
            code=found.code,
            reason=found.reason,
        )

    async def save(self, row: Row) -> None:
        """Store the row that was claimed."""
        values = {
            "state": row.state,
            "body_hash": row.body_hash,
            "reply_type": row.reply_type,
            "reply": row.reply,
            "code": row.code,
            "reason": row.reason,
            "changed": _now(),
        }
        await self._connection.execute(update(inbox).where(*self._is(row.forward_key)).values(values))

    async def drop_unsaved(self) -> None:
        """Rows that were claimed and not saved (a refusal that is not stored) leave no trace."""
        mine = (inbox.c.participant == self._participant, inbox.c.state == OPEN)
        await self._connection.execute(delete(inbox).where(*mine))

    async def enqueue(self, event: Envelope) -> None:
        """Store an event to be published."""
        values = {"participant": self._participant, "envelope": _envelopes.dump_json(event)}
        await self._connection.execute(outbox.insert().values(values))

    def get(self, kind: type[Kind]) -> Kind:
        """The `AsyncConnection` of this transaction.

        Raises:
            LookupError: asked for anything else.
        """
        if not isinstance(self._connection, kind):
            raise LookupError(f"this store offers AsyncConnection, not {kind.__name__}")  # noqa: TRY004 - looked up
        return self._connection

    def _is(self, forward_key: str) -> tuple[Any, Any]:
        return inbox.c.participant == self._participant, inbox.c.forward_key == forward_key


class SqlStore:
    """A participant's state in an SQL database. Implements `participant.ports.Store`.

    Args:
        tables: business tables that are made beside inbox and outbox, if they are missing.
    """

    def __init__(self, engine: AsyncEngine, participant: str, tables: MetaData | None = None) -> None:
        self._engine = engine
        self._participant = participant
        self._tables = tables

    async def prepare(self) -> None:
        """Make the tables that are missing."""
        async with self._engine.begin() as connection:
            for tables in filter(None, (metadata, self._tables)):
                await connection.run_sync(tables.create_all)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[SqlTransaction]:
        """A transaction: committed at the end, rolled back by an exception."""
        async with self._engine.begin() as connection:
            transaction = SqlTransaction(connection, self._participant)
            yield transaction
            await transaction.drop_unsaved()

    async def unsent(self, limit: int) -> Sequence[tuple[int, Envelope]]:
        """Outbox rows that were not published yet, oldest first."""
        wanted = select(outbox).where(outbox.c.participant == self._participant).order_by(outbox.c.number).limit(limit)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(wanted)).all()
        return [(row.number, _envelopes.validate_json(row.envelope)) for row in rows]

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        """Remove outbox rows that the broker has confirmed."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(outbox).where(outbox.c.number.in_(numbers)))

    async def forget_older_than(self, age: timedelta) -> int:
        """Remove inbox rows not changed for `age`; returns how many.

        `age` must be longer than a command's longest deadline plus the age at which parked messages are discarded.
        """
        old = (inbox.c.participant == self._participant, inbox.c.changed < _now() - age)
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(inbox).where(*old))).rowcount


def _now() -> datetime:
    return datetime.now(UTC)
