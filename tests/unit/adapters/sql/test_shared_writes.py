"""Writes that come together share a transaction; a fault of one is its own, and nobody leaves one behind."""

import asyncio

import pytest
from sqlalchemy import event, text

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.adapters.sql.shared_writes import SharedWrites
from orchestrator.errors import StoreUnavailableError
from orchestrator.service.auditing import AuditEntry, verify
from tests.sql_kit import sqlite_url


@pytest.fixture
async def engine(tmp_path):
    made = open_engine(sqlite_url(tmp_path))
    await migrate(made)
    async with made.begin() as connection:
        await connection.execute(text("CREATE TABLE things (name TEXT PRIMARY KEY)"))
    yield made
    await made.dispose()


def adding(name, *, gate=None):
    async def write(connection, chain):
        if gate is not None:
            await gate.wait()
        await connection.execute(text("INSERT INTO things VALUES (:name)"), {"name": name})
        chain.append(entry(name))
        return name

    return write


def entry(name):
    return AuditEntry(at_ms=1, actor="ann", role="admin", what="add", target=name, result="accepted")


async def names(engine):
    async with engine.connect() as connection:
        return {row.name for row in (await connection.execute(text("SELECT name FROM things"))).all()}


async def test_what_comes_meanwhile_shares_the_next_transaction_and_each_gets_its_own(engine) -> None:
    writes, commits, gate = SharedWrites(engine), list[object](), asyncio.Event()
    event.listen(engine.sync_engine, "commit", commits.append)
    first = asyncio.create_task(writes.do(adding("a", gate=gate)))
    await asyncio.sleep(0)
    others = [asyncio.create_task(writes.do(adding(name))) for name in "bcd"]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(first, *others) == ["a", "b", "c", "d"]
    assert len(commits) == 2
    assert await names(engine) == {"a", "b", "c", "d"}
    register = SqlRegister(engine)
    rows = await register.audit()
    assert [row.entry.target for row in rows] == ["a", "b", "c", "d"]
    assert not list(verify(rows, await register.audit_head()))


async def test_a_fault_of_one_is_not_that_of_the_others(engine) -> None:
    writes = SharedWrites(engine)
    done = await asyncio.gather(*(writes.do(adding(name)) for name in "aab"), return_exceptions=True)
    assert [type(one).__name__ for one in done] == ["str", "IntegrityError", "str"]
    assert await names(engine) == {"a", "b"}
    assert [row.entry.target for row in await SqlRegister(engine).audit()] == ["a", "b"]


async def test_an_outage_is_told_to_all_of_them_and_the_next_one_is_tried(tmp_path, engine) -> None:
    writes, broken = SharedWrites(engine), list[bool]([True])

    @event.listens_for(engine.sync_engine, "begin")
    def refuse(_connection):
        if broken:
            raise OSError("the disk is away")

    done = await asyncio.gather(*(writes.do(adding(name)) for name in "ab"), return_exceptions=True)
    assert [type(one) for one in done] == [StoreUnavailableError] * 2
    broken.clear()
    assert await writes.do(adding("c")) == "c"
    assert await names(engine) == {"c"}


async def test_who_stops_before_their_turn_writes_nothing_and_who_stops_in_it_waits_for_its_end(engine) -> None:
    writes, gate = SharedWrites(engine), asyncio.Event()
    in_turn = asyncio.create_task(writes.do(adding("a", gate=gate)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    before = asyncio.create_task(writes.do(adding("b")))
    await asyncio.sleep(0)
    for task in (in_turn, before):
        task.cancel()
    await asyncio.wait([before])
    assert not in_turn.done()
    gate.set()
    assert [type(one) for one in await asyncio.gather(in_turn, before, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
    assert await names(engine) == {"a"}


async def test_when_the_loop_ends_nobody_waits_for_ever(engine) -> None:
    writes, gate = SharedWrites(engine), asyncio.Event()
    doing = [asyncio.create_task(writes.do(adding(name, gate=gate))) for name in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    doing.append(asyncio.create_task(writes.do(adding("c"))))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    done, waiting = await asyncio.wait(doing, timeout=10)
    assert (len(done), waiting) == (3, set())
    assert await names(engine) == set()
