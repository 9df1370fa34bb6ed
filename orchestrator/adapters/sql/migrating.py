"""Brings the ledger's tables to the version of this program, with Alembic.

Alembic is imported when there is something to change: it costs every start of a process a third of a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import String, column, inspect, select, table

from orchestrator.adapters.sql.databases import make_folder, writing_to
from orchestrator.adapters.sql.inbox import outages
from orchestrator.errors import LedgerOutdatedError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "ledger_version"
"""Other programs may keep an Alembic version of their own in the same database."""


async def migrate(engine: AsyncEngine) -> str:
    """Make or change the tables; returns the version they have now. Running it again changes nothing.

    On PostgreSQL of several that run at once one migrates and the others wait; on SQLite the write lock does that.

    Raises:
        StoreUnavailableError: the database is away.
    """
    with outages():
        if await _found(engine) != newest():
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade)
    return newest()


async def migrate_at(url: str) -> str:
    """The same for a ledger at an address; the folder of a SQLite file is made. Errors: see `migrate`."""
    make_folder(url)
    async with writing_to(url) as engine:
        return await migrate(engine)


async def check_version(engine: AsyncEngine) -> None:
    """See that the tables are those of this program.

    Raises:
        LedgerOutdatedError: they are not; says which version is there.
        StoreUnavailableError: the database is away.
    """
    with outages():
        found = await _found(engine)
    if found != newest():
        there = f"of version {found}" if found else "not there"
        raise LedgerOutdatedError(
            f"the ledger's tables are {there}, this program wants {newest()}: run `saga ledger migrate`"
        )


def newest() -> str:
    """The version of this program's tables."""
    [*_, last] = sorted((FOLDER / "versions").glob("v*_*.py"))
    return last.name.partition("_")[0].removeprefix("v")


async def _found(engine: AsyncEngine) -> str | None:
    async with engine.connect() as connection:
        return await connection.run_sync(_version_of)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('saga-orchestrator ledger'))")
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    command.upgrade(config, "head")


def _version_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = column("version_num", String)
    return connection.scalar(select(version).select_from(table(VERSION_TABLE)))
