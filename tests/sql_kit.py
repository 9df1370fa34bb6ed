"""Databases of tests: an empty one each."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url


@asynccontextmanager
async def fresh_database(server: str) -> AsyncIterator[str]:
    """The address of a new database on a PostgreSQL server, dropped at the end."""
    name = f"test_{secrets.token_hex(8)}"
    await execute(server, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        await execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def execute(server: str, statement: str) -> None:
    """One statement outside a transaction."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/things.db"
