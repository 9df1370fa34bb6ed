"""The service layer on real servers: operations that are verified, undo of what Temporal forgot, a killed process."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.register import SqlRegister
from orchestrator.errors import ConflictError, RefusedCommandError
from orchestrator.service.auditing import verify
from orchestrator.service.bulk import BulkWish
from orchestrator.service.live import linked_id
from orchestrator.service.operations import OperationRecord
from orchestrator.service.records import Filter
from tests.acceptance.test_undo_of_ended import completed, forget, undone
from tests.service_kit import ADMIN, WHY, asked, run_all
from tests.trip_kit import office, trip
from workers.operating import open_service
from workers.upkeep import upkeep

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


def ledger_in(folder):
    return {"database_url": SecretStr(f"sqlite:///{folder / 'ledger.db'}"), "ledger_url": None}


async def verified(service, record):
    async with asyncio.timeout(30):
        while not record.is_final:
            await asyncio.sleep(0.05)
            record = await service.operating.look_at(ADMIN, record.id)
    return record


async def kept(service, execution, *statuses):
    """Wait until the ledger shows one of these statuses."""
    async with asyncio.timeout(30):
        while (found := await service.world.ledger.find(execution)) is None or found.row.status not in statuses:
            await asyncio.sleep(0.05)
    return found


async def test_a_retry_is_accepted_applied_and_verified_and_the_audit_is_whole(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.stuck()
        async with open_service([trip], place.corner.settings, place.client) as service:
            place.agency.write(cancel_flight="ok")
            record = await service.operating.operate(ADMIN, execution, asked("retry", step="book_flight"))
            assert record.state == "applied"
            ended = await verified(service, record)
            assert (ended.state, ended.text) == ("verified", "the saga passed the step")
            rows = await service.world.register.audit()
            assert [row.entry.result for row in rows] == ["accepted", "verified"]
            assert list(verify(rows, await service.world.register.audit_head())) == []


async def test_of_two_people_with_one_revision_one_is_told_what_changed(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.stuck()
        async with open_service([trip], place.corner.settings, place.client) as service:
            seen = (await place.show(execution))["state"]["revision"]
            await service.operating.operate(ADMIN, execution, asked("suspend", revision=seen))
            await kept(service, execution, "stuck")
            with pytest.raises(ConflictError) as refused:
                await service.operating.operate(ADMIN, execution, asked("resume", revision=seen))
            assert refused.value.revision == seen + 1


async def test_a_finished_trip_is_undone_from_the_ledger_after_temporal_has_forgotten_it(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await completed(place)
        async with open_service([trip], place.corner.settings, place.client) as service:
            detail = await kept(service, execution, "completed")
            await confirm(service, place, detail)
            await forget(place, execution)
            part = await service.operating.plan(ADMIN, execution, "take_money")
            order = asked("compensate", plan=part.hash, from_step="take_money", override=True, key="k1")
            first = await verified(service, await service.operating.operate(ADMIN, execution, order))
            assert (first.state, first.workflow_id) == ("verified", linked_id(execution))
            again = await service.operating.operate(ADMIN, execution, replace(order, key="k2"))
            assert again.id == first.id, "a second confirmation is the same run"
            whole = await service.operating.plan(ADMIN, execution)
            order = asked("compensate", plan=whole.hash, override=True, key="k3")
            assert (await verified(service, await service.operating.operate(ADMIN, execution, order))).text == (
                "it ended: Compensated"
            )
            with pytest.raises(RefusedCommandError):
                nothing = await service.operating.plan(ADMIN, execution)
                await service.operating.operate(
                    ADMIN, execution, asked("compensate", plan=nothing.hash, override=True, key="k4")
                )
        names = sorted(entry["name"] for entry in undone(place))
        assert names == ["cancel_car", "cancel_flight", "cancel_hotel", "give_money"], "nothing is undone twice"


async def confirm(service, place, detail):
    """What the reconciler does: Temporal has recorded this end."""
    from orchestrator.adapters.sql.ledger_tables import executions

    engine = open_engine(place.corner.settings.ledger)
    async with engine.begin() as connection:
        one = executions.c.execution_id == detail.row.execution_id
        await connection.execute(executions.update().where(one).values(confirmed=True))
    await engine.dispose()


async def test_a_terminated_trip_is_undone_once_no_slow_worker_can_perform_it(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.waiting()
        async with open_service([trip], place.corner.settings, place.client) as service:
            await place.client.get_workflow_handle(execution).terminate("an accident")
            plan = await service.operating.plan(ADMIN, execution)
            record = await service.operating.operate(ADMIN, execution, asked("compensate", plan=plan.hash))
            assert (await verified(service, record)).text == "it ended: Compensated"
        assert len(undone(place)) == 3


async def test_a_bulk_that_stops_half_way_is_finished_by_the_next_process(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        trips = [await place.stuck(number) for number in range(4)]
        place.agency.write(cancel_flight="ok")
        async with open_service([trip], place.corner.settings, place.client) as service:
            for execution in trips:
                await kept(service, execution, "stuck")
            wanted = Filter(statuses=("stuck",))
            seen = await service.bulking.preview(ADMIN, "retry", wanted)
            wish = BulkWish(word="retry", wanted=wanted, reason=WHY, key="b", token=seen.token, rate=2.0)
            bulk = await service.bulking.begin(ADMIN, wish)
            running = asyncio.create_task(run_all(service.running))
            while not await service.bulking._bulks.items(bulk.id, "done"):
                await asyncio.sleep(0.05)
            running.cancel()
            await asyncio.wait([running])
        async with open_service([trip], place.corner.settings, place.client) as service:
            await run_all(service.running)
            counts = await service.bulking._bulks.counts(bulk.id)
            assert (counts.done, counts.total) == (4, 4)
        for execution in trips:
            await place.until(execution, "Compensated")


async def test_an_operation_that_nobody_asks_for_again_gets_its_end_from_a_worker(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.stuck()
        place.agency.write(cancel_flight="ok")
        async with open_service([trip], place.corner.settings, place.client) as service:
            given = await service.operating.operate(ADMIN, execution, asked("retry", step="book_flight"))
        engine = open_engine(place.corner.settings.ledger)
        async with asyncio.timeout(30):
            while (found := await SqlRegister(engine).find(given.id)) is None or not found.is_final:
                await asyncio.sleep(0.05)
        await engine.dispose()
        assert (found.state, found.text) == ("verified", "the saga passed the step")


async def test_a_bulk_is_done_by_the_workers_once_though_several_run(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        trips = [await place.stuck(number) for number in range(3)]
        place.agency.write(cancel_flight="ok")
        settings = place.corner.settings
        async with open_service([trip], settings, place.client) as service, upkeep(settings, place.client):
            for execution in trips:
                await kept(service, execution, "stuck")
            wanted = Filter(statuses=("stuck",))
            seen = await service.bulking.preview(ADMIN, "retry", wanted)
            wish = BulkWish(word="retry", wanted=wanted, reason=WHY, key="b", token=seen.token)
            bulk = await service.bulking.begin(ADMIN, wish)
            async with asyncio.timeout(30):
                while (bulk := await service.bulking.find(bulk.id)).state == "running":
                    await asyncio.sleep(0.05)
            assert bulk.state == "completed"
            what = [row.entry.result for row in await service.world.register.audit() if row.entry.what == "retry"]
            assert what.count("accepted") == 3
        for execution in trips:
            await place.until(execution, "Compensated")
        assert len([entry for entry in place.agency.books() if entry["how"] == "ok" and entry["undoes"]]) == 9


async def test_of_two_people_at_once_with_one_revision_one_has_a_conflict(tmp_path) -> None:
    async with office(tmp_path, **ledger_in(tmp_path)) as place:
        execution = await place.stuck()
        async with open_service([trip], place.corner.settings, place.client) as service:
            seen = (await place.show(execution))["state"]["revision"]
            both = [
                service.operating.operate(replace(ADMIN, actor=who), execution, asked("suspend", revision=seen))
                for who in ("ann", "bob")
            ]
            first, second = await asyncio.gather(*both, return_exceptions=True)
            taken, refused = (first, second) if isinstance(second, ConflictError) else (second, first)
            assert isinstance(refused, ConflictError)
            assert isinstance(taken, OperationRecord)
            assert any(f"suspend by {taken.actor}" in change for change in refused.changes)
            told = [row.entry.result for row in await service.world.register.audit()]
            assert (told.count("accepted"), told.count("failed")) == (2, 1)
