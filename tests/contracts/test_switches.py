"""What keeps switches must do, in memory and on every database."""

from dataclasses import replace

import pytest
from sqlalchemy import insert

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.ledger_tables import plans
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.switches import SqlSwitches
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.switches import Switch
from sagas.order_fulfilment.saga import fulfil_order
from tests.service_kit import MemorySwitches
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
STARTS = Switch(kind="starts", name="trip", actor="ann", reason="a recall", at_ms=1)
ENTRY = AuditEntry(at_ms=1, actor="ann", role="admin", what="suspend starts", target="starts:trip", result="accepted")
COMMANDS = Switch(kind="commands", name="inventory", actor="ann", reason="a recall", at_ms=2)


async def on_sql(url):
    engine = open_engine(url)
    try:
        await migrate(engine)
        yield SqlSwitches(engine)
    finally:
        await engine.dispose()


@pytest.fixture(params=KINDS)
async def switches(request, tmp_path):
    if request.param == "memory":
        yield MemorySwitches()
    elif request.param == "sqlite":
        async for made in on_sql(sqlite_url(tmp_path)):
            yield made
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url:
            async for made in on_sql(url):
                yield made


async def test_what_is_held_is_kept_by_kind_and_name(switches) -> None:
    assert await switches.all() == ()
    assert await switches.set(STARTS, ENTRY)
    assert await switches.set(COMMANDS, ENTRY)
    assert await switches.all() == (COMMANDS, STARTS)


async def test_what_is_held_already_keeps_its_first_reason(switches) -> None:
    await switches.set(STARTS, ENTRY)
    assert not await switches.set(replace(STARTS, reason="another"), ENTRY)
    assert await switches.all() == (STARTS,)


async def test_what_goes_on_is_held_no_more(switches) -> None:
    await switches.set(STARTS, ENTRY)
    assert await switches.clear("starts", "trip", ENTRY)
    assert not await switches.clear("starts", "trip", ENTRY)
    assert await switches.all() == ()


async def test_names_are_known_by_the_plans_that_executions_ran_by(tmp_path) -> None:
    engine = open_engine(sqlite_url(tmp_path))
    try:
        await migrate(engine)
        kept = SqlSwitches(engine)
        assert await kept.known("starts") == frozenset()
        of_another_version = {"content_hash": "0" * 16, "saga": "older", "version": 1, "plan": b'{"format": 0}'}
        plan = fulfil_order.plan
        row = {
            "content_hash": plan.content_hash,
            "saga": plan.saga,
            "version": plan.version,
            "plan": plan.model_dump_json().encode(),
        }
        async with engine.begin() as connection:
            await connection.execute(insert(plans), [of_another_version, row])
        assert await kept.known("starts") == {"fulfil-order"}
        assert await kept.known("commands") == set(fulfil_order.participants) != set()
    finally:
        await engine.dispose()
