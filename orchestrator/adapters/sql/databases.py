"""Async SQLAlchemy engines, set up so that a commit is durable and writers wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_TIMEOUT_MS = 20_000
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


READERS = 4
"""Connections that read at once on SQLite; they never wait for the writer, nor it for them."""


def open_engine(url: str) -> AsyncEngine:
    """An engine for an address such as `sqlite:///books.db`. Close it with `await engine.dispose()`."""
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
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _set_up_sqlite_for_reading(connection: Any, record: Any) -> None:
    _set_up_sqlite(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
