"""What keeps the event store must do, in memory and on every database; and that it only grows."""

import shutil
import sqlite3
from contextlib import closing

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.read_models import SqlReadModels
from orchestrator.sealing import Seal
from orchestrator.service.event_ports import EventFilter, Gap
from tests.event_kit import T0, EventBench, MemoryEvents, on_sql, stored
from tests.ledger_kit import RUNNING, message, snapshot
from tests.sql_kit import execute, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
SQL = KINDS[1:]
CANARY = "canary-4242-4242"
SEAL = Seal.of("k1:" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
ALL = EventFilter()


EMPTY = """
ALTER TABLE event_store DISABLE TRIGGER USER;
TRUNCATE event_store, marks, executions, messages, read_models RESTART IDENTITY;
ALTER TABLE event_store ENABLE TRIGGER USER
"""


@pytest.fixture
async def url(request, tmp_path):
    """The address of an empty database with all tables; of none in memory."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        await execute(url, EMPTY)
        return url
    if request.param == "memory":
        return ""
    shutil.copy(request.getfixturevalue("template"), tmp_path)
    return sqlite_url(tmp_path)


@pytest.fixture
async def bench(url):
    if not url:
        events = MemoryEvents()
        yield EventBench(events, events)
        return
    async with on_sql(url) as opened:
        yield opened


def numbers(found):
    return [int(one.message_id[1:]) for one in found]


each_store = pytest.mark.parametrize("url", KINDS, indirect=True)
each_database = pytest.mark.parametrize("url", SQL, indirect=True)


@each_store
async def test_a_message_is_stored_once_however_often_it_comes(bench):
    assert (await bench.store.append([stored(1), stored(2), stored(1)])).stored == 2
    again = await bench.store.append([stored(2), stored(3)])
    assert (again.stored, again.differing) == (1, ())
    assert numbers(await bench.reader.page(ALL)) == [1, 2, 3]
    assert await bench.reader.count(ALL, cap=2) == 2
    assert (await bench.store.append([])).stored == 0


@each_store
async def test_the_same_id_with_another_body_leaves_the_first_and_is_told(bench):
    await bench.store.append([stored(1, body=b'"first"')])
    second = stored(1, body=b'"second"')
    assert (await bench.store.append([second])).differing == (second.identity,)
    assert (await bench.store.append([stored(1, source="/other")])).stored == 1
    (first, _) = await bench.reader.page(ALL, contents="all")
    assert first.payload == "first"


@each_store
async def test_a_message_is_read_as_it_was_stored(bench):
    whole = stored(
        7,
        kind="reply",
        way="in",
        outcome="failed",
        causation_id="m1",
        sequence="0007",
        exchange="saga.replies.sent",
        routing_key="w1",
        headers={"saga-step": "Bücher"},
        body='{"name": "Bücher"}'.encode(),
    )
    await bench.store.append([whole, stored(8, body=None, size=9_000_000)])
    seven, eight = await bench.reader.page(ALL, contents="all")
    assert seven == type(whole)(**{**{name: getattr(whole, name) for name in whole.__slots__}, "number": 1})
    assert seven.place == 7
    assert (eight.body, eight.size) == (None, 9_000_000)
    (line, _) = await bench.reader.page(ALL)
    assert (line.headers, line.body) == (None, None)


@each_store
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(correlation_id="c2"), [2]),
        (EventFilter(execution_id="shop:3"), [3]),
        (EventFilter(types=("placed", "settled")), [3, 4]),
        (EventFilter(kind="event"), [3, 4]),
        (EventFilter(source="/bank"), [4]),
        (EventFilter(since_ms=T0 + 2, until_ms=T0 + 4), [2, 3]),
        (EventFilter(sagas=frozenset({"shop"})), [1, 2, 3]),
        (EventFilter(correlation_id="c1", types=("settled",)), [4]),
        (EventFilter(execution_id="shop:1", ids=("m1", "m2", "m3")), [1, 2]),
        (EventFilter(ids=(stored(4, source="/bank").identity,)), [4]),
        (EventFilter(correlation_id="nobody"), []),
    ],
    ids=str,
)
async def test_messages_are_found_by_case_execution_type_and_time(bench, wanted, found):
    await bench.store.append(
        [
            stored(1),
            stored(2, correlation_id="c2"),
            stored(3, kind="event", type="placed", execution_id="shop:3"),
            stored(4, kind="event", type="settled", source="/bank", execution_id=""),
        ]
    )
    assert numbers(await bench.reader.page(wanted)) == found
    assert await bench.reader.count(wanted, cap=10) == len(found)


@each_store
async def test_pages_go_on_where_the_one_before_ended_in_either_order(bench):
    await bench.store.append([stored(number) for number in range(1, 8)])
    first = await bench.reader.page(ALL, limit=3)
    second = await bench.reader.page(ALL, after=first[-1].number, limit=3)
    assert numbers([*first, *second]) == [1, 2, 3, 4, 5, 6]
    newest = await bench.reader.page(ALL, limit=2, newest_first=True)
    older = await bench.reader.page(ALL, after=newest[-1].number, limit=2, newest_first=True)
    assert numbers([*newest, *older]) == [7, 6, 5, 4]


@each_store
async def test_what_a_source_left_out_is_told_until_it_comes(bench):
    places = {1: "0001", 2: "0002", 5: "0005", 9: "9", 10: "ten", 11: ""}
    await bench.store.append([stored(number, sequence=text) for number, text in places.items()])
    await bench.store.append([stored(20, source="/whole", sequence="1"), stored(21, source="/whole", sequence="2")])
    found = await bench.reader.gaps()
    assert found == [Gap("/shop", 3, 4, T0 + 5), Gap("/shop", 6, 8, T0 + 9)]
    assert [gap.missing for gap in found] == [2, 3]
    assert await bench.reader.gaps(source="/whole") == []
    assert len(await bench.reader.gaps(limit=1)) == 1
    await bench.store.append([stored(3, sequence="3"), stored(4, sequence="4")])
    assert [(gap.first, gap.last) for gap in await bench.reader.gaps(source="/shop")] == [(6, 8)]


@each_store
async def test_what_is_old_is_forgotten_and_its_number_is_not_given_again(bench):
    await bench.store.append([stored(number) for number in range(1, 5)])
    assert await bench.store.forget(stored_before_ms=T0 + 3, limit=1) == 1
    assert await bench.store.forget(stored_before_ms=T0 + 5) == 3
    await bench.store.append([stored(9)])
    (left,) = await bench.reader.page(ALL)
    assert left.number > 4


@each_database
async def test_the_event_that_began_an_execution_belongs_to_it_though_it_says_not(url, bench):
    """The ledger knows which events an execution took."""
    placed = stored(1, kind="event", way="in", type="placed", execution_id="", correlation_id="")
    await bench.store.append([placed, stored(2, kind="event", way="in", type="placed", execution_id="")])
    engine = open_engine(url)
    taken = message(1, message_id=placed.identity, direction="in", kind="event")
    await SqlLedger(engine).write([snapshot("1", RUNNING, correlation_id="case-1")], [taken])
    await engine.dispose()
    await bench.store.append([stored(3), stored(4, correlation_id="case-1", execution_id="")])
    assert numbers(await bench.reader.page(EventFilter(execution_id="shop:1"))) == [1, 3]
    assert numbers(await bench.reader.page(EventFilter(correlation_id="case-1"))) == [1, 4]
    assert numbers(await bench.reader.page(EventFilter(correlation_id="shop:1"))) == [1]


CHANGES = (
    "UPDATE event_store SET type = 'other'",
    "DELETE FROM event_store",
    "DELETE FROM event_store WHERE message_id = 'm2'",
)


@each_database
@pytest.mark.parametrize("statement", [*CHANGES, "TRUNCATE event_store"])
async def test_the_database_itself_refuses_to_change_or_remove_what_is_kept(url, bench, statement):
    await bench.store.append([stored(1), stored(2)])
    await bench.store.forget(stored_before_ms=T0 + 2)
    if url.startswith("sqlite"):
        if statement.startswith("TRUNCATE"):
            return  # SQLite has no such statement
        with closing(sqlite3.connect(make_url(url).database or "")) as file, pytest.raises(sqlite3.Error) as told:
            file.execute(statement)
    else:
        connection = await asyncpg.connect(url)
        with pytest.raises(asyncpg.PostgresError) as told:
            await connection.execute(statement)
        await connection.close()
    assert "the event store only grows" in str(told.value)
    assert numbers(await bench.reader.page(ALL)) == [2]


@each_database
async def test_bodies_and_headers_are_sealed(url, tmp_path):
    async with on_sql(url, SEAL) as sealed:
        await sealed.store.append([stored(1, body=f'"{CANARY}"'.encode(), headers={"saga-note": CANARY})])
        (found,) = await sealed.reader.page(ALL, contents="all")
        assert (found.payload, found.headers) == (CANARY, {"saga-note": CANARY})
    if url.startswith("sqlite"):
        assert all(CANARY.encode() not in file.read_bytes() for file in tmp_path.iterdir())


@each_database
async def test_the_rows_of_a_projection_are_replaced_as_one_and_sealed(url, tmp_path):
    engine = open_engine(url)
    try:
        models, others = SqlReadModels(engine, SEAL), {"b": {"text": "other"}}
        await models.replace("others", others)
        await models.replace("mine", {"a": {"text": CANARY}, "b": {"n": 1}})
        assert await models.rows("mine") == {"a": {"text": CANARY}, "b": {"n": 1}}
        if url.startswith("sqlite"):
            assert all(CANARY.encode() not in file.read_bytes() for file in tmp_path.iterdir())
        await models.replace("mine", {"b": {"n": 2}})
        assert await models.rows("mine") == {"b": {"n": 2}}
        await models.replace("mine", {})
        assert (await models.rows("mine"), await models.rows("others")) == ({}, others)
    finally:
        await engine.dispose()
