"""What keeps bulks must do, in memory and on every database; ten thousand items in all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from orchestrator.adapters.sql.bulks import SqlBulks
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.service.access import Caller, Permission, Role
from orchestrator.service.auditing import AuditEntry, verify
from orchestrator.service.bulk_records import Bulk, BulkCounts, BulkItem, BulkState
from tests.service_kit import MemoryBulks
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
WHO = Caller(
    actor="ann", role=Role.OPERATOR, granted=frozenset({Permission.PAYLOAD}), sagas=frozenset({"a"}), origin="cli"
)
BULK = Bulk(
    id="b1", caller=WHO, word="retry", reason="why not", key="k1", rate=5.0, state="running", total=3, created_ms=1
)
ANYBODY = Caller(actor="root", role=Role.ADMIN)
IDS = ("a:1", "a:2", "a:3")


SOME: list[BulkState] = ["suspended", "running"]
ENTRY = AuditEntry(at_ms=1, actor="ann", role="operator", what="bulk", target="bulk:b1", result="accepted")


async def test_that_one_goes_past_the_pivot_is_kept(bulks) -> None:
    await bulks.create(BULK, IDS, ENTRY)
    await bulks.create(replace(BULK, id="b2", key="k2", override=True), IDS, ENTRY)
    assert [(await bulks.find(name)).override for name in ("b1", "b2")] == [False, True]


async def waiting(bulks):
    return next(iter(await bulks.items("b1", "waiting", limit=1)), None)


@asynccontextmanager
async def on_sql(url: str) -> AsyncIterator[SqlBulks]:
    engine = open_engine(url)
    try:
        await migrate(engine)
        yield SqlBulks(engine)
    finally:
        await engine.dispose()


@pytest.fixture(params=KINDS)
async def bulks(request, tmp_path):
    if request.param == "memory":
        yield MemoryBulks()
    elif request.param == "sqlite":
        async with on_sql(sqlite_url(tmp_path)) as made:
            yield made
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url, on_sql(url) as made:
            yield made


async def test_a_bulk_is_kept_with_its_items_and_as_whom_it_is_done(bulks) -> None:
    assert await bulks.create(BULK, IDS, ENTRY) == BULK
    assert await bulks.find("b1") == await bulks.by_key("ann", "k1") == BULK
    assert await bulks.items("b1") == tuple(BulkItem(number=n, execution_id=i) for n, i in enumerate(IDS, start=1))
    assert await bulks.find("b2") is None


async def test_the_same_key_again_is_the_same_bulk(bulks) -> None:
    await bulks.create(BULK, IDS, ENTRY)
    assert await bulks.create(replace(BULK, id="b2"), IDS, ENTRY) == BULK
    assert await bulks.find("b2") is None


async def test_items_are_settled_one_by_one_and_the_numbers_add_up(bulks) -> None:
    await bulks.create(BULK, IDS, ENTRY)
    for state in ("done", "failed", "skipped"):
        item = await waiting(bulks)
        await bulks.settle("b1", item, state, text=f"{state} so", operation_id="op")
    assert await waiting(bulks) is None
    assert await bulks.counts("b1") == BulkCounts(done=1, failed=1, skipped=1)
    assert [item.text for item in await bulks.items("b1", "failed")] == ["failed so"]
    assert [item.number for item in await bulks.items("b1", after=1, limit=1)] == [2]


async def test_failed_ones_wait_again_and_a_late_result_of_the_round_before_changes_nothing(bulks) -> None:
    await bulks.create(BULK, IDS, ENTRY)
    first = await waiting(bulks)
    await bulks.settle("b1", first, "failed", text="", operation_id="")
    assert await bulks.renew_failed("b1") == 1
    await bulks.settle("b1", first, "done", text="", operation_id="")
    again = await waiting(bulks)
    assert again is not None
    assert (again.number, again.round, again.state) == (1, 2, "waiting")


async def test_the_running_ones_are_found_the_oldest_first(bulks) -> None:
    for number in (3, 1, 2):
        await bulks.create(replace(BULK, id=f"b{number}", key=f"k{number}", created_ms=number), IDS, ENTRY)
    assert await bulks.move("b2", ("running",), "suspended", ENTRY)
    assert [bulk.id for bulk in await bulks.running()] == ["b1", "b3"]


async def test_ten_thousand_items_are_all_accounted_for(bulks) -> None:
    await bulks.create(replace(BULK, total=10_000), [f"a:{number}" for number in range(10_000)], ENTRY)
    assert await bulks.counts("b1") == BulkCounts(waiting=10_000)
    assert len(await bulks.items("b1", limit=10_001)) == 10_000


async def test_an_order_that_does_not_fit_the_state_changes_nothing(bulks) -> None:
    await bulks.create(BULK, IDS, ENTRY)
    assert not await bulks.move("b1", ("suspended", "failed"), "running", ENTRY)
    assert await bulks.move("b1", ("running",), "cancelled", ENTRY)
    await bulks.end("b1", "completed")
    assert (await bulks.find("b1")).state == "cancelled"


async def test_what_is_stored_is_audited_in_the_same_transaction_and_what_is_not_is_not(tmp_path) -> None:
    url = sqlite_url(tmp_path)
    async with on_sql(url) as bulks:
        await bulks.create(BULK, IDS, ENTRY)
        await bulks.create(BULK, IDS, ENTRY)
        assert [await bulks.move("b1", [one], "cancelled", ENTRY) for one in SOME] == [False, True]
        register = SqlRegister(bulks._engine)
        assert len(await register.audit()) == 2
        assert list(verify(await register.audit(), await register.audit_head())) == []


async def test_the_newest_come_first(bulks) -> None:
    for number in (1, 3, 2):
        await bulks.create(replace(BULK, id=f"b{number}", key=f"k{number}", created_ms=number), IDS, ENTRY)
    assert [one.id for one in await bulks.recent(ANYBODY, limit=2)] == ["b3", "b2"]
    assert [one.id for one in await bulks.recent(ANYBODY, before=(2, "b2"), limit=2)] == ["b1"]


async def test_bulks_of_one_moment_are_all_on_some_page(bulks) -> None:
    for number in (1, 2, 3):
        await bulks.create(replace(BULK, id=f"b{number}", key=f"k{number}", created_ms=7), IDS, ENTRY)
    assert [one.id for one in await bulks.recent(ANYBODY, before=(7, "b3"), limit=1)] == ["b2"]


async def test_who_may_touch_some_sagas_sees_their_own_bulks_and_those_within_these_sagas(bulks) -> None:
    given = {"b1": IDS, "b2": ("a:1", "b:1"), "b3": (), "b4": ("ab:1",), "b5": ("b:1",)}
    for number, (name, items) in enumerate(given.items()):
        await bulks.create(replace(BULK, id=name, key=name, created_ms=number, total=len(items)), items, ENTRY)
    seen = {
        None: ["b5", "b4", "b3", "b2", "b1"],
        frozenset({"a"}): ["b1"],
        frozenset({"a", "b"}): ["b5", "b2", "b1"],
        frozenset[str](): [],
    }
    for sagas, expected in seen.items():
        caller = Caller(actor="bob", role=Role.OPERATOR, sagas=sagas)
        assert [one.id for one in await bulks.recent(caller, limit=9)] == expected
        assert [name for name in reversed(given) if await bulks.is_seen_by(caller, name)] == expected
    assert [one.id for one in await bulks.recent(replace(WHO, sagas=frozenset({"c"})), limit=2)] == ["b5", "b4"]
    scoped = Caller(actor="bob", role=Role.OPERATOR, sagas=frozenset({"a", "b"}))
    assert [one.id for one in await bulks.recent(scoped, before=(4, "b5"), limit=1)] == ["b2"]
