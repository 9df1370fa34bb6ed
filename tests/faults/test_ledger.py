"""Rows 5 and 6 of the fault matrix for the ledger, and processes killed in the middle of what people ordered."""

import asyncio
import signal
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from orchestrator.adapters.sql.databases import open_reading_engine
from orchestrator.adapters.sql.ledger_reader import SqlLedgerReader
from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.service import settling
from orchestrator.service.bulk import BulkWish
from orchestrator.service.live import linked_id
from orchestrator.service.records import Filter
from tests.acceptance.test_service import kept, ledger_in, verified
from tests.acceptance.test_undo_of_ended import completed, undone
from tests.faults.kit import QUIET, Cost, killed, world
from tests.faults.servers import own_database, own_postgres
from tests.service_kit import ADMIN, WHY, asked
from tests.trip_kit import helper, office, trip, worker_process
from workers.operating import open_service

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment"), pytest.mark.timeout(400), QUIET]
BRIEF = ("s1", "s2", "s3")
ENDS = {"Completed", "Compensated"}
"""A brief action that its machine gives no time is undone; the books tell which it was."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The folder of a PostgreSQL that nobody else uses, and its address."""
    folder = tmp_path_factory.mktemp("ledger")
    with own_postgres(folder) as address:
        yield folder, address


@pytest.fixture
async def database(server):
    async with own_database(*server) as made:
        yield made


def kept_in(url) -> dict[str, Any]:
    return {"ledger_url": SecretStr(url)}


async def is_stale(url):
    engine = open_reading_engine(url)
    try:
        return (await SqlLedgerReader(engine).freshness()).stale_since is not None
    finally:
        await engine.dispose()


async def noticed(running):
    """Wait until the worker's buffer knows that the ledger is away."""
    while not running.buffer.is_away:
        await asyncio.sleep(0.02)


async def test_5_sagas_go_on_while_the_ledgers_postgresql_is_killed_and_all_is_written_when_it_is_back(
    tmp_path, database
) -> None:
    await migrate_at(database.address)
    async with world(tmp_path, **kept_in(database.address)) as place, place.working() as running:
        async with place.load("chain", open_at_once=4) as asked_for:
            database.kill()
            await noticed(running)
            before = len(place.ended)
            while len(place.ended) < before + 10:
                await asyncio.sleep(0.02)
            await database.start()
        executions = asked_for["chain"]
        with Cost("the ledger's PostgreSQL killed under load: from its return until every row is true"):
            words = await place.words(executions)
            await place.balance(executions, words, BRIEF)
        assert set(words) <= ENDS
        assert (running.buffer.counts.dropped, running.buffer.counts.refused) == (0, 0)


@pytest.mark.faults
async def test_5_what_is_more_than_the_buffer_keeps_is_counted_and_rebuilt_from_temporal(tmp_path, database) -> None:
    await migrate_at(database.address)
    more = {**kept_in(database.address), "ledger_buffer": 100, "reconcile_deep_every": timedelta(seconds=2)}
    async with world(tmp_path, **more) as place, place.working() as running:
        executions = await place.ask_many("chain", range(5))
        await place.words(executions)
        database.kill()
        executions += await place.ask_many("chain", range(5, 15))
        await noticed(running)
        executions += await place.ask_many("chain", range(15, 150))
        words = await place.words(executions)
        assert set(words) <= ENDS
        assert running.buffer.counts.dropped >= 40
        await database.start()
        with Cost(f"{running.buffer.counts.dropped} changes dropped while the ledger was away: until all is rebuilt"):
            await place.balance(executions, words, BRIEF)
        while await is_stale(database.address):
            await asyncio.sleep(0.1)
        counts = running.buffer.counts
        assert counts.given == counts.written + counts.replaced + counts.dropped
        assert counts.refused == 0


@pytest.mark.faults
async def test_6_the_ledgers_postgresql_is_restarted_again_and_again_under_load(tmp_path, database) -> None:
    await migrate_at(database.address)
    async with world(tmp_path, **kept_in(database.address)) as place, place.working() as running:
        place.always("s3.do.before", "refuse 7")
        async with place.load("chain") as asked_for:
            for number in range(3):
                await database.stop()
                await noticed(running)
                await place.begun(20)
                await database.start()
                with Cost(f"the ledger's PostgreSQL restarted, {number + 1} of 3: until it is written again", 10):
                    while running.buffer.is_away:
                        await asyncio.sleep(0.05)
        executions = asked_for["chain"]
        words = await place.words(executions)
        assert set(words) <= ENDS
        await place.balance(executions, words, BRIEF)
    counts = running.buffer.counts  # of a worker that has stopped: nothing is under way any more
    assert counts.refused == 0
    assert counts.given == counts.written + counts.replaced + counts.dropped + running.buffer.waiting


@pytest.mark.parametrize("moment", ["before", pytest.param("after", marks=pytest.mark.faults)])
async def test_who_confirmed_an_undo_is_killed_around_the_start_of_the_linked_run_and_it_is_made_once(
    tmp_path, monkeypatch, moment
) -> None:
    monkeypatch.setattr(settling, "OWN_TURN_MS", 0)  # so long nobody else would give the command
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await completed(place)
        settings = place.corner.settings
        async with open_service([trip], settings, place.client) as service:
            plan = await service.operating.plan(ADMIN, execution)
            async with helper(place, "tests.faults.confirming", moment, execution, plan.hash) as person:
                await killed(person)
            confirmed = asked("compensate", plan=plan.hash, override=True, key="again")
            with Cost(f"who confirmed an undo killed {moment} its run began: from the second confirmation to its end"):
                record = await verified(service, await service.operating.operate(ADMIN, execution, confirmed))
            assert (record.key, record.text) == ("confirming", "it ended: Compensated")
            assert record.workflow_id == linked_id(execution)
            operations = await service.world.register.of_execution(execution)
        assert [one.id for one in operations] == [record.id], "a second confirmation is the same run"
        names = sorted(entry["name"] for entry in undone(place))
        assert names == ["cancel_car", "cancel_flight", "cancel_hotel", "give_money"], "nothing is undone twice"


@pytest.mark.faults
async def test_a_worker_is_killed_in_the_middle_of_a_bulk_and_the_next_one_finishes_it(tmp_path) -> None:
    async with office(tmp_path, worker=False, **ledger_in(tmp_path)) as place:
        async with worker_process(place) as first:
            trips = [await place.stuck(number) for number in range(6)]
            place.agency.write(cancel_flight="ok")
            async with open_service([trip], place.corner.settings, place.client) as service:
                for execution in trips:
                    await kept(service, execution, "stuck")
                wanted = Filter(statuses=("stuck",))
                seen = await service.bulking.preview(ADMIN, "retry", wanted)
                wish = BulkWish(word="retry", wanted=wanted, reason=WHY, key="b", token=seen.token, rate=2.0)
                bulk = await service.bulking.begin(ADMIN, wish)
                while (await service.bulking.look(ADMIN, bulk.id))[1].done < 2:
                    await asyncio.sleep(0.02)
                first.send_signal(signal.SIGKILL)
                await killed(first)
                done = (await service.bulking.look(ADMIN, bulk.id))[1].done
                assert done < 6
                async with worker_process(place):
                    with Cost(f"worker killed after {done} of 6 items of a bulk: until the next one had done the rest"):
                        while (await service.bulking.find(bulk.id)).state == "running":
                            await asyncio.sleep(0.05)
                    counts = (await service.bulking.look(ADMIN, bulk.id))[1]
                    assert (counts.done, counts.total) == (6, 6)
                    for execution in trips:
                        await place.until(execution, "Compensated")
                rows = [row.entry for row in await service.world.register.audit() if row.entry.what == "retry"]
        assert sorted(row.target for row in rows if row.result == "accepted") == sorted(trips), "each asked for once"
        assert Counter(place.agency.done())["cancel_flight"] == 6
