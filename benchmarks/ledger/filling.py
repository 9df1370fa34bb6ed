"""Fills an empty ledger quickly, past the ledger's own code: it is what is read that is measured."""

from __future__ import annotations

import sqlite3
from itertools import islice
from typing import TYPE_CHECKING, Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.engine import make_url

from benchmarks.ledger.samples import SAGAS, VERSIONS, plan_of, samples
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger_tables import executions, journal, messages, plans, steps
from orchestrator.adapters.sql.migrating import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from sqlalchemy import Table

    from benchmarks.ledger.samples import Row, Sample

AT_ONCE = 2_000
_asyncpg: Any = asyncpg


async def fill(url: str, count: int) -> None:
    """Make the tables and put so many executions into them, with steps, journal and twenty messages each."""
    engine = open_engine(url)
    try:
        await migrate(engine)
    finally:
        await engine.dispose()
    fill_it = _fill_sqlite if url.startswith("sqlite") else _fill_postgresql
    await fill_it(url, count)


async def _fill_sqlite(url: str, count: int) -> None:
    connection = sqlite3.connect(make_url(url).database or "")
    for pragma in ("synchronous=OFF", "journal_mode=DELETE", "journal_mode=OFF"):
        connection.execute(f"PRAGMA {pragma}")

    async def put(table: Table, rows: Sequence[Row]) -> None:
        names = [column.name for column in table.c]
        marks = ", ".join("?" * len(names))
        columns = ", ".join(f'"{name}"' for name in names)
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 - our own tables
        connection.executemany(statement, ([row[name] for name in names] for row in rows))

    try:
        await _put_all(put, count)
        connection.commit()
    finally:
        connection.close()


async def postgres(url: str) -> Any:
    """A connection of the driver itself, which comes without types."""
    return await _asyncpg.connect(url)


async def _fill_postgresql(url: str, count: int) -> None:
    connection = await postgres(url)

    async def put(table: Table, rows: Sequence[Row]) -> None:
        names = [column.name for column in table.c]
        records = [tuple(row[name] for name in names) for row in rows]
        await connection.copy_records_to_table(table.name, records=records, columns=names)

    try:
        await _put_all(put, count)
        await connection.execute("VACUUM ANALYZE")  # what the server does by itself some time after such a load
    finally:
        await connection.close()


async def _put_all(put: Callable[[Table, Sequence[Row]], Coroutine[Any, Any, None]], count: int) -> None:
    await put(plans, [_plan_row(saga, version) for saga in SAGAS for version in VERSIONS])
    for some in _in_batches(samples(count)):
        await put(executions, [one.execution for one in some])
        await put(steps, [row for one in some for row in one.steps])
        await put(journal, [one.journal for one in some])
        await put(messages, [row for one in some for row in one.messages])


def _plan_row(saga: str, version: int) -> Row:
    plan = plan_of(saga, version)
    stored = plan.model_dump_json().encode()
    return {"content_hash": plan.content_hash, "saga": saga, "version": version, "plan": stored}


def _in_batches(found: Iterator[Sample]) -> Iterator[list[Sample]]:
    while some := list(islice(found, AT_ONCE)):
        yield some
