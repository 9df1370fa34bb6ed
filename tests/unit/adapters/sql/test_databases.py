import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from orchestrator.adapters.sql.databases import open_engine
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


@pytest.mark.parametrize(
    ("url", "driver"),
    [("sqlite:///x.db", "aiosqlite"), ("sqlite+aiosqlite:///x.db", "aiosqlite")],
)
def test_a_plain_address_gets_the_driver_that_fits(url, driver) -> None:
    assert open_engine(url).dialect.driver == driver
