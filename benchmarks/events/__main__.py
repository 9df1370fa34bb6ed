"""How many messages a second the event store takes, beside a floor: the same rows by the same batches, unindexed.

`python -m benchmarks.events [MESSAGES]`. Databases of its own: a SQLite file, and a database on the local PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from sqlalchemy import text
from sqlalchemy.engine import make_url

from deploy.local import up_postgres
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.event_store import SqlEventStore
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.messages import short_hash
from orchestrator.stored import StoredMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncEngine

PROJECT = Path(__file__).resolve().parents[2]
MESSAGES, BATCH, ROUNDS = 20_000, 500, 3
BODY = json.dumps({"order_id": "A17", "text": "x" * 950}).encode()
"""A KiB, as orders have it."""
UNINDEXED = ("identity", "correlation", "execution", "type", "stored", "place")


def main() -> None:
    """Print one line for each database."""
    count = int(sys.argv[1]) if sys.argv[1:] else MESSAGES
    asyncio.run(_measure(count))


async def _measure(count: int) -> None:
    console = Console()
    async for name, url in _databases(console):
        engine = open_engine(url)
        try:
            await migrate(engine)
            store, floor = list[float](), list[float]()
            for _ in range(ROUNDS):
                store.append(await _rate(engine, count))
                floor.append(await _floor(engine, count))
            found, below = statistics.median(store), statistics.median(floor)
            console.print(f"{name}: {found:,.0f} messages/s, floor {below:,.0f}/s, share {found / below:.0%}")
        finally:
            await engine.dispose()


async def _databases(console: Console) -> AsyncIterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(dir=PROJECT / ".local") as folder:
        yield "SQLite", f"sqlite:///{folder}/events.db"
    server, name = up_postgres(PROJECT, console), f"bench_{secrets.token_hex(4)}"
    whole = open_engine(server).execution_options(isolation_level="AUTOCOMMIT")
    async with whole.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
        yield "PostgreSQL", make_url(server).set(database=name).render_as_string(hide_password=False)
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await whole.dispose()


async def _rate(engine: AsyncEngine, count: int) -> float:
    """Messages a second, all of them new."""
    store = SqlEventStore(engine)
    batches = [_batch(BATCH) for _ in range(count // BATCH)]
    began = time.perf_counter()
    for batch in batches:
        if (await store.append(batch)).stored != BATCH:
            raise AssertionError("a message was not new")
    return len(batches) * BATCH / (time.perf_counter() - began)


async def _floor(engine: AsyncEngine, count: int) -> float:
    """The same into the same table without its indexes, which are made again behind it."""
    async with engine.begin() as connection:
        kind = "type = 'index' AND tbl_name" if engine.dialect.name == "sqlite" else "tablename"
        place, body = ("sqlite_master", "sql") if engine.dialect.name == "sqlite" else ("pg_indexes", "indexdef")
        found = await connection.execute(text(f"SELECT {body} FROM {place} WHERE {kind} = 'event_store'"))  # noqa: S608
        made = [one for one in found.scalars() if one and "_pkey" not in one]
        for name in UNINDEXED:
            await connection.execute(text(f"DROP INDEX event_store_{name}"))
    rate = await _rate(engine, count)
    async with engine.begin() as connection:
        for one in made:
            await connection.execute(text(one))
    return rate


def _batch(size: int) -> Sequence[StoredMessage]:
    run, now = secrets.token_hex(6), int(time.time() * 1000)
    return [
        StoredMessage(
            identity=short_hash("/shop", f"{run}-{number}"),
            body_hash=run,
            source="/shop",
            message_id=f"{run}-{number}",
            type="payments.charge",
            kind="command",
            way="out",
            execution_id=f"fulfil-order:{run}-{number % 50}",
            correlation_id=f"fulfil-order:{run}-{number % 50}",
            step="charge_payment",
            call="do",
            attempt=1,
            at_ms=now,
            stored_ms=now,
            size=len(BODY),
            headers={"saga-id": f"fulfil-order:{run}-{number % 50}", "saga-step": "charge_payment"},
            body=BODY,
        )
        for number in range(size)
    ]


if __name__ == "__main__":
    main()
