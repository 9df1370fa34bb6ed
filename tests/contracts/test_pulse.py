"""What is felt of parked messages, operations and bulks: each thing that happens moves its own mark, on every database."""

import pytest

from orchestrator.adapters.sql.bulks import SqlBulks
from orchestrator.adapters.sql.databases import open_engine, open_reading_engine
from orchestrator.adapters.sql.migrating import migrate
from orchestrator.adapters.sql.parked_store import SqlParkedStore
from orchestrator.adapters.sql.pulse import SqlPulse
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.service.access import Caller, Role
from orchestrator.service.auditing import AuditEntry
from orchestrator.service.bulk_records import Bulk, BulkItem
from orchestrator.service.feed import Topic
from tests.parked_kit import T0, arrival
from tests.sql_kit import fresh_database, sqlite_url

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.servers))
ENTRY = AuditEntry(at_ms=1, actor="ann", role="operator", what="suspend", target="trip:t1", result="accepted")
BULK = Bulk(
    id="b1",
    caller=Caller(actor="ann", role=Role.OPERATOR),
    word="retry",
    reason="why not",
    key="k1",
    rate=5.0,
    state="running",
    total=2,
    created_ms=1,
)


@pytest.fixture(params=KINDS)
async def url(request, tmp_path):
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as made:
            yield made


async def test_each_thing_that_happens_moves_the_mark_of_its_topic(url) -> None:
    engine, reading = open_engine(url), open_reading_engine(url)
    try:
        await migrate(engine)
        pulse, parked, bulks = SqlPulse(reading), SqlParkedStore(engine), SqlBulks(engine)
        before = await pulse.marks()
        assert await pulse.marks() == before, "nothing has happened"

        async def moved() -> set[Topic]:
            nonlocal before
            then, before = before, await pulse.marks()
            return {topic for topic, mark in before.items() if then[topic] != mark}

        await SqlRegister(engine).note(ENTRY)
        assert await moved() == {"operations"}
        await parked.record(arrival(1), T0)
        assert await moved() == {"parked"}
        await parked.record(arrival(2), T0 + 1)
        assert await moved() == {"parked"}, "one more of the same kind"
        await bulks.create(BULK, ("trip:t1", "trip:t2"), ENTRY)
        assert await moved() == {"bulks", "operations"}, "whoever begins one is audited"
        await bulks.settle("b1", BulkItem(number=1, execution_id="trip:t1"), "done", text="", operation_id="")
        assert await moved() == {"bulks"}
        await bulks.end("b1", "completed")
        assert await moved() == {"bulks"}
    finally:
        await reading.dispose()
        await engine.dispose()
