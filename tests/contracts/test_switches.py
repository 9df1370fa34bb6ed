"""What keeps switches must do, in memory and on every database."""

from dataclasses import replace

import pytest

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.switches import SqlSwitches
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.switches import Switch
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
