"""A participant's store on SQL: inbox, outbox and business tables in one database and one transaction.

On SQLite each command costs one commit that waits for the disk. Commands are not committed in groups: with one writer
the statements cost more than the disk does (README.md of the kit has the figures), and one handler's fault would be
everybody's. Where that is too slow, PostgreSQL commits many transactions at once by itself.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.adapters.sql.databases import REMEDY, insert_of, make_folder, writing_to
from orchestrator.adapters.sql.tables import inbox, metadata, outbox
from orchestrator.errors import StoreUnavailableError
from orchestrator.messages import Envelope
from orchestrator.participant.inbox import Row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.participant import Participant

Kind = TypeVar("Kind")

OPEN = "open"
"""State of a row that was claimed in a transaction that has not ended: nobody but that transaction ever reads it."""
FORGOTTEN_AT_ONCE = 500
"""Rows that housekeeping removes in one transaction: writers wait for it no longer than that."""
GONE, SHORT = ("08", "57P", "25006"), "53"
"""How PostgreSQL's codes begin when its server cannot be used: no connection, stopping or starting, only a standby by
now; and when it is short of something: connections, memory, disk."""
_envelopes = TypeAdapter(Envelope)


class SqlTransaction:
    """One transaction of one participant. Implements `participant.ports.Transaction`."""

    def __init__(self, connection: AsyncConnection, participant: str) -> None:
        self._connection = connection
        self._participant = participant
        self._unsaved: set[str] = set()

    async def claim(self, forward_key: str) -> Row | None:
        """The row of this key. It is inserted first: whoever comes second waits here until we have ended.

        The second one then finds our row and begins with it, having done nothing yet that it would have to roll back.
        """
        values = {"participant": self._participant, "forward_key": forward_key, "state": OPEN, "changed": _now()}
        insert = insert_of(self._connection.dialect)
        with outages():
            made = await self._connection.execute(insert(inbox).values(values).on_conflict_do_nothing())
            if made.rowcount == 1:
                self._unsaved.add(forward_key)
                return None
            wanted = select(inbox).where(*self._is(forward_key)).with_for_update()
            found = (await self._connection.execute(wanted)).one()
        if found.state == OPEN:
            return None  # claimed in this very transaction
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
        with outages():
            await self._connection.execute(update(inbox).where(*self._is(row.forward_key)).values(values))
        self._unsaved.discard(row.forward_key)

    async def drop_unsaved(self) -> None:
        """Rows that were claimed and not saved (a refusal that is not stored) leave no trace."""
        for forward_key in self._unsaved:
            await self._connection.execute(delete(inbox).where(*self._is(forward_key)))

    async def enqueue(self, event: Envelope) -> int:
        """Store an event to be published; its number."""
        values = {"participant": self._participant, "envelope": _envelopes.dump_json(event)}
        with outages():
            made = await self._connection.execute(insert(outbox).values(values))
        key: Any = made.inserted_primary_key
        return int(key[0])

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
        engine: one that `databases.open_engine` made: on SQLite its transactions must begin with the write lock.
        participant: whose rows; several participants may share a database.
        tables: business tables that are made beside inbox and outbox, if they are missing.
    """

    def __init__(self, engine: AsyncEngine, participant: str, tables: MetaData | None = None) -> None:
        self._engine = engine
        self._participant = participant
        self._tables = tables

    async def prepare(self) -> None:
        """Make the tables that are missing.

        Raises:
            StoreUnavailableError: the database is away.
        """
        with outages():
            async with self._engine.begin() as connection:
                for tables in filter(None, (metadata, self._tables)):
                    await connection.run_sync(tables.create_all)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[SqlTransaction]:
        """A transaction: committed at the end, rolled back by an exception.

        Raises:
            StoreUnavailableError: the database is away, full or locked; or it went while a handler used it.
        """
        async with AsyncExitStack() as stack:
            with outages():
                connection = await stack.enter_async_context(self._engine.connect())
                await connection.begin()
            transaction = SqlTransaction(connection, self._participant)
            with losses():
                yield transaction
            with outages():
                await transaction.drop_unsaved()
                await connection.commit()

    async def unsent(self, limit: int) -> Sequence[tuple[int, Envelope]]:
        """Outbox rows that were not published yet, oldest first."""
        wanted = select(outbox).where(outbox.c.participant == self._participant).order_by(outbox.c.number).limit(limit)
        with outages():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(wanted)).all()
        return [(row.number, _envelopes.validate_json(row.envelope)) for row in rows]

    async def mark_sent(self, numbers: Sequence[int]) -> None:
        """Remove outbox rows that the broker has confirmed."""
        with outages():
            async with self._engine.begin() as connection:
                await connection.execute(delete(outbox).where(outbox.c.number.in_(numbers)))

    async def forget_older_than(self, age: timedelta) -> int:
        """Remove inbox rows not changed for `age`; returns how many. See `ports.Store` for how old is old enough."""
        old = (inbox.c.participant == self._participant, inbox.c.changed <= _now() - age)
        some = select(inbox.c.forward_key).where(*old).limit(FORGOTTEN_AT_ONCE)
        forgotten = 0
        while True:
            with outages():
                async with self._engine.begin() as connection:
                    gone = await connection.execute(delete(inbox).where(*old, inbox.c.forward_key.in_(some)))
            forgotten += gone.rowcount
            if gone.rowcount < FORGOTTEN_AT_ONCE:
                return forgotten


@asynccontextmanager
async def open_store(url: str, participant: Participant) -> AsyncGenerator[SqlStore]:
    """A participant's store while the block runs; the folder of a SQLite file and missing tables are made.

    Raises:
        StoreUnavailableError: the database is away, or its folder cannot be made.
    """
    make_folder(url)
    async with writing_to(url) as engine:
        store = SqlStore(engine, participant.name, participant.tables)
        await store.prepare()
        yield store


@contextmanager
def outages() -> Generator[None]:
    """Around our own statements: whatever the database cannot do now is an outage.

    Raises:
        StoreUnavailableError: in place of the driver's error. Conflicts between transactions are left as they are.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError) as error:
        # The driver's own words: SQLAlchemy would add the statement and its values.
        told = getattr(error, "orig", None) or error
        why = str(told) or type(told).__name__
        raise StoreUnavailableError(f"the database cannot be used now ({why}): is it up? Else {REMEDY}") from error
    except DBAPIError as error:
        if _is_lost(error) or _state(error).startswith(SHORT):
            raise StoreUnavailableError(f"the database cannot be used now: {error.orig}") from error
        raise


@contextmanager
def losses() -> Generator[None]:
    """Around a handler: only a lost connection is an outage; the rest is between the handler and its tables.

    Raises:
        StoreUnavailableError: in place of the driver's error.
    """
    try:
        yield
    except DBAPIError as error:
        if _is_lost(error):
            raise StoreUnavailableError(f"the connection to the database was lost: {error.orig}") from error
        raise


def _is_lost(error: DBAPIError) -> bool:
    return error.connection_invalidated or _state(error).startswith(GONE)


def _state(error: DBAPIError) -> str:
    """PostgreSQL's code of an error. Its driver has no class for these, so SQLAlchemy has none either."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def _now() -> datetime:
    return datetime.now(UTC)
