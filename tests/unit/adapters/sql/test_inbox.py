"""What the contract tests leave out: a database that is away, and where rows lie. See tests/contracts/test_inbox.py."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import FORGOTTEN_AT_ONCE, SqlStore, losses, outages
from orchestrator.adapters.sql.tables import inbox
from orchestrator.errors import StoreUnavailableError
from orchestrator.messages import Envelope
from orchestrator.participant.inbox import Row
from tests.participant_kit import Fault, tables
from tests.sql_kit import sqlite_url

LOST = DBAPIError("SELECT 'secret'", {}, Exception("gone"), connection_invalidated=True)


@pytest.fixture
async def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path))
    await SqlStore(engine, "maker", tables).prepare()
    yield engine
    await engine.dispose()


async def save(store, *keys):
    async with store.transaction() as transaction:
        for key in keys:
            await transaction.claim(key)
            await transaction.save(Row(forward_key=key, state="done"))


async def test_participants_that_share_a_database_do_not_see_each_other(engine) -> None:
    first, second = SqlStore(engine, "first"), SqlStore(engine, "second")
    await save(first, "k")
    async with first.transaction() as transaction:
        await transaction.enqueue(Envelope(id="e", source="t", type="thing.made", body=b"{}"))
    async with second.transaction() as transaction:
        assert await transaction.claim("k") is None
    assert await second.unsent(10) == []
    assert len(await first.unsent(10)) == 1


async def test_making_the_tables_twice_changes_nothing(engine) -> None:
    store = SqlStore(engine, "maker", tables)
    await save(store, "k")
    await store.prepare()
    async with store.transaction() as transaction:
        assert await transaction.claim("k") is not None


async def test_many_rows_are_forgotten_in_several_transactions(engine) -> None:
    store = SqlStore(engine, "maker")
    await save(store, *(f"k{number}" for number in range(FORGOTTEN_AT_ONCE + 1)))
    assert await store.forget_older_than(timedelta(0)) == FORGOTTEN_AT_ONCE + 1
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(inbox))).scalar_one() == 0


async def test_a_locked_database_is_an_outage_that_passes(engine, tmp_path) -> None:
    store = SqlStore(engine, "maker")
    async with engine.connect() as connection:
        driver = await connection.get_raw_connection()
        await driver.driver_connection.execute("PRAGMA busy_timeout=0")  # the pool has this one connection
    locker = sqlite3.connect(tmp_path / "things.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    for use in (lambda: save(store, "k"), lambda: store.unsent(1), lambda: store.mark_sent([1])):
        with pytest.raises(StoreUnavailableError, match="database is locked"):
            await use()
    locker.close()
    await save(store, "k")


async def test_a_fault_between_a_handler_and_its_tables_is_no_outage(engine) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        async with SqlStore(engine, "maker").transaction() as transaction:
            await transaction.get(AsyncConnection).execute(text("SELECT 1 FROM nowhere"))


async def test_a_transaction_that_is_cancelled_leaves_no_row_and_the_connection_usable(engine) -> None:
    store, claimed = SqlStore(engine, "maker"), asyncio.Event()

    async def hang():
        async with store.transaction() as transaction:
            await transaction.claim("k")
            await transaction.save(Row(forward_key="k", state="done"))
            claimed.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await claimed.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with store.transaction() as transaction:
        assert await transaction.claim("k") is None


@pytest.mark.parametrize("around", [outages, losses])
def test_a_lost_connection_is_an_outage_and_its_statement_is_not_told(around) -> None:
    with pytest.raises(StoreUnavailableError) as told, around():
        raise LOST
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("error", [OperationalError("SELECT 'secret'", {}, Exception("full")), ConnectionError("full")])
def test_what_our_own_statements_cannot_do_is_an_outage(error) -> None:
    with (
        pytest.raises(StoreUnavailableError, match=r"^the database cannot be used now \(full\).*SAGA_DATABASE_URL"),
        outages(),
    ):
        raise error


class AnsweredError(Exception):
    """What PostgreSQL's driver raises, with the server's code."""

    def __init__(self, sqlstate):
        super().__init__("says the server")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("code", "arounds"),
    [
        ("57P03", [outages, losses]),  # it starts
        ("57P01", [outages, losses]),  # it is told to stop
        ("08006", [outages, losses]),
        ("25006", [outages, losses]),  # a standby by now
        ("53300", [outages]),  # too many connections: a handler's own is open
        ("40001", []),
        ("22003", []),
    ],
)
def test_a_server_that_starts_stops_or_is_short_of_something_is_an_outage(code, arounds) -> None:
    for around in (outages, losses):
        expected = StoreUnavailableError if around in arounds else DBAPIError
        with pytest.raises(expected, match="says the server"), around():
            raise DBAPIError("SELECT", {}, AnsweredError(code))


@pytest.mark.parametrize("around", [outages, losses])
@pytest.mark.parametrize("error", [Fault(), DBAPIError("INSERT", {}, Exception("deadlock"))])
def test_other_faults_stay_what_they_are(around, error) -> None:
    with pytest.raises(type(error)) as told, around():
        raise error
    assert told.value is error
