"""What the ledger tells metrics, on every database: what a write changed, and what waits."""

from contextlib import asynccontextmanager

import pytest

from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.gauges import SqlGauges
from orchestrator.adapters.sql.ledger import SqlLedger
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.service.changes import Change
from tests.ledger_kit import COMPENSATED, COMPLETED, RUNNING, STUCK, T0, ledger_bench, snapshot
from tests.parked_kit import arrival
from tests.sql_kit import fresh_database, sqlite_url

NOW = T0 + 10_000
KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.servers))


@pytest.fixture(params=KINDS)
async def bench(request, tmp_path):
    if request.param == "sqlite":
        async with opened(sqlite_url(tmp_path)) as made:
            yield made
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url, opened(url) as made:
            yield made


@asynccontextmanager
async def opened(url):
    async with ledger_bench(url) as made:
        reading = open_reading_engine(url)
        try:
            yield made, SqlGauges(reading)
        finally:
            await reading.dispose()


async def test_what_waits_is_told_by_saga_and_status(bench) -> None:
    ledger, gauges = bench
    await ledger.writer.write(
        [
            snapshot("1", STUCK),
            snapshot("2", RUNNING),
            snapshot("3", RUNNING),
            snapshot("4", COMPLETED),
            snapshot("1", RUNNING, saga="bank"),
        ]
    )
    assert sorted(await gauges.open_executions()) == [
        (1, ("bank", "running")),
        (1, ("shop", "stuck")),
        (2, ("shop", "running")),
    ]


async def test_parked_messages_are_told_by_reason(bench) -> None:
    ledger, gauges = bench
    assert await gauges.parked_messages() == []
    store = SqlParkedStore(ledger.engine)
    await store.record(arrival(1), NOW)
    await store.record(arrival(2), NOW)
    await store.record(arrival(3, reason="malformed", text="not JSON"), NOW)
    assert sorted(await gauges.parked_messages()) == [(1, ("malformed",)), (2, ("wrong-schema",))]


async def test_what_a_write_changed_is_told_once_by_whoever_writes(bench) -> None:
    """Two processes: the second one goes on after a crash, and tells the whole journal again."""
    ledger, _ = bench
    told: list[Change] = []
    first = SqlLedger(ledger.engine, tell=told.extend)
    second_engine = open_engine(ledger.url)
    second = SqlLedger(second_engine, tell=told.extend)
    await first.write([snapshot("1", RUNNING)])
    await second.write([snapshot("1", COMPLETED, history=9), snapshot("2", COMPENSATED)])
    await first.write([snapshot("1", RUNNING)])
    await second_engine.dispose()
    assert [(one.execution_id, one.before, one.status, [e.revision for e in one.entries]) for one in told] == [
        ("shop:1", None, "running", [1, 2]),
        ("shop:1", "running", "completed", [3]),
        ("shop:2", None, "compensated", [1, 2, 3, 4]),
        ("shop:1", "completed", "completed", []),
    ]
    assert [one.is_end for one in told] == [False, True, True, False]


async def test_what_is_refused_is_not_told(bench) -> None:
    ledger, _ = bench
    told: list[Change] = []
    writer = SqlLedger(ledger.engine, tell=told.extend)
    broken = snapshot("1", RUNNING, workflow_id=None)
    with pytest.raises(Exception, match="workflow_id"):
        await writer.write([broken])
    assert told == []
