import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from orchestrator.adapters.sql.databases import READERS, make_folder, open_engine, reading_from, writing_to
from orchestrator.errors import StoreUnavailableError
from tests.sql_kit import sqlite_url


@pytest.fixture
async def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path))
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 20_000)]
)
async def test_a_commit_on_sqlite_waits_for_the_disk_and_writers_for_each_other(engine, pragma, value) -> None:
    async with engine.connect() as connection:
        assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value


async def test_a_fresh_file_that_another_writes_to_at_that_moment_is_waited_for(engine, tmp_path) -> None:
    with closing(sqlite3.connect(tmp_path / "things.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN IMMEDIATE")
        connecting = asyncio.create_task(engine.connect().__aenter__())
        assert await asyncio.wait({connecting}, timeout=0.5) == (set(), {connecting}), "it was told that it is locked"
        other.execute("COMMIT")
        connection = await connecting
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
        await connection.close()


async def test_a_transaction_on_sqlite_begins_with_the_write_lock(engine, tmp_path) -> None:
    other = open_engine(sqlite_url(tmp_path))
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            async with other.connect() as second:
                driver = await second.get_raw_connection()
                await driver.driver_connection.execute(  # type: ignore[union-attr]
                    "PRAGMA busy_timeout=0"
                )
                with pytest.raises(OperationalError, match="locked"):
                    await second.execute(text("SELECT 1"))
    finally:
        await other.dispose()


@pytest.mark.parametrize(("opened", "number"), [(writing_to, 1), (reading_from, READERS)])
async def test_every_connection_is_closed_behind_a_block_in_which_somebody_is_cancelled(
    tmp_path, opened, number
) -> None:
    before, leaving = set(threading.enumerate()), asyncio.Event()

    async def use() -> None:
        async with opened(sqlite_url(tmp_path)) as engine:
            all_there = asyncio.Barrier(number)
            async with asyncio.TaskGroup() as group:
                for _ in range(number):
                    group.create_task(read(engine, all_there))
            leaving.set()

    task = asyncio.create_task(use())
    await leaving.wait()
    task.cancel()  # while the first of them is being closed
    with pytest.raises(asyncio.CancelledError):
        await task
    for thread in set(threading.enumerate()) - before:  # each connection has one, which ends with it
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive() or "asyncio" in thread.name


async def read(engine, all_there) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        await all_there.wait()


@pytest.mark.parametrize(
    ("url", "driver"),
    [("sqlite:///x.db", "aiosqlite"), ("sqlite+aiosqlite:///x.db", "aiosqlite")],
)
def test_a_plain_address_gets_the_driver_that_fits(url, driver) -> None:
    assert open_engine(url).dialect.driver == driver


def test_the_folder_of_a_sqlite_file_is_made(tmp_path) -> None:
    make_folder(f"sqlite:///{tmp_path}/a/b/x.db")
    assert (tmp_path / "a" / "b").is_dir()
    make_folder("postgresql://u@nowhere/books")


def test_a_folder_that_cannot_be_made_or_written_is_told_with_the_settings(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="cannot be made .*SAGA_DATABASE_URL"):
        make_folder(f"sqlite:///{tmp_path}/file/x.db")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(StoreUnavailableError, match="may not write to .*SAGA_DATABASE_URL"):
        make_folder(f"sqlite:///{tmp_path}/x.db")
