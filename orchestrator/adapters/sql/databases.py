"""Async SQLAlchemy engines, set up so that a commit is durable and writers wait for each other."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from orchestrator.errors import StoreUnavailableError
from orchestrator.together import to_its_end

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy.engine import Dialect
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_TURN = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
BUSY_TIMEOUT_MS = 20_000
RETRY_S = 0.01
"""Pause before what does not wait for its turn is tried again."""
REMEDY = "check SAGA_DATABASE_URL and SAGA_LEDGER_URL"
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


READERS = 4
"""Connections that read at once on SQLite; they never wait for the writer, nor it for them."""


def make_folder(url: str) -> None:
    """The folder of a SQLite file, if there is none yet.

    Raises:
        StoreUnavailableError: it cannot be made, or not be written to; says why.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return
    folder = Path(parsed.database).absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"{error.strerror}: {error.filename}"
        raise StoreUnavailableError(f"the folder {folder} of a database cannot be made ({why}): {REMEDY}") from error
    if not os.access(folder, os.W_OK):
        raise StoreUnavailableError(f"this process may not write to {folder}, where a database is to lie: {REMEDY}")


def insert_of(dialect: Dialect) -> Any:
    """The own `insert` of a database, which knows `ON CONFLICT`."""
    return import_module(f"sqlalchemy.dialects.{dialect.name}").insert


def writing_to(url: str) -> AbstractAsyncContextManager[AsyncEngine]:
    """`open_engine`, for a block. All its connections are closed behind it, also if somebody is cancelled there."""
    return _closed_behind(open_engine(url))


def reading_from(url: str) -> AbstractAsyncContextManager[AsyncEngine]:
    """`open_reading_engine`, for a block; closed as `writing_to` does it."""
    return _closed_behind(open_reading_engine(url))


async def take_turn(connection: AsyncConnection, of: str) -> None:
    """Wait for whoever has the turn of this name; it is ours until the transaction ends.

    SQLite's transactions begin with the write lock: there it is taken already.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_TURN, {"name": f"saga-orchestrator {of}"})


@asynccontextmanager
async def _closed_behind(engine: AsyncEngine) -> AsyncGenerator[AsyncEngine]:
    try:
        yield engine
    finally:
        await to_its_end(engine.dispose())


def open_engine(url: str) -> AsyncEngine:
    """An engine for an address such as `sqlite:///books.db`; see `writing_to`."""
    parsed = make_url(url)
    asynchronous = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    if not asynchronous.drivername.startswith("sqlite"):
        return create_async_engine(asynchronous)
    # One writer at a time is SQLite's rule anyway; more connections would only wait for its lock.
    engine = create_async_engine(asynchronous, pool_size=1, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def open_reading_engine(url: str) -> AsyncEngine:
    """An engine that only reads: what a transaction sees in it does not change until it ends."""
    parsed = make_url(url)
    asynchronous = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    if not asynchronous.drivername.startswith("sqlite"):
        return create_async_engine(
            asynchronous, isolation_level="REPEATABLE READ", execution_options={"postgresql_readonly": True}
        )
    engine = create_async_engine(asynchronous, pool_size=READERS, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite_for_reading)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: ours begin with the write lock (see _begin_immediate).
    connection.isolation_level = None
    _run(connection, f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        _run(connection, f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """Switch a fresh file to its write-ahead log.

    Where another process does the same at the same moment, or writes, SQLite says at once that the database is locked:
    this switch is the one statement that does not wait for its turn.
    """
    ends = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            _run(connection, "PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
        else:
            return
        connection.run_async(_rest)


async def _rest(_driver: Any) -> None:
    await asyncio.sleep(RETRY_S)


def _run(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()


def _set_up_sqlite_for_reading(connection: Any, record: Any) -> None:
    _set_up_sqlite(connection, record)
    _run(connection, "PRAGMA query_only=ON")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
