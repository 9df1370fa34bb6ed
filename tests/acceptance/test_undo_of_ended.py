"""Executions that have ended, undone by a linked run on real servers: nothing twice, also after Temporal forgot them."""

import asyncio

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from orchestrator.engine.seeding import seed_of
from orchestrator.errors import ConflictError
from orchestrator.service.compensation import plan_undo
from orchestrator.service.live import linked_id
from tests.trip_kit import command, office, worker_process

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def completed(place):
    execution = await place.order()
    await place.approve(execution)
    await place.until(execution, "Completed")
    return execution


async def undo(place, execution, **fields):
    """Undo an ended execution by a linked run; what it shows at its end."""
    seen = await look(place, execution)
    assert await place.live.begin_undo(seen, command("CompensateRequested", **fields))
    return await place.client.get_workflow_handle(linked_id(execution)).result()


async def look(place, execution):
    seen = await place.live.look(execution)
    assert seen is not None
    return seen


def undone(place):
    return [entry for entry in place.agency.books() if entry["undoes"] and entry["how"] == "ok"]


def seeded(seen):
    return type(seen)(
        workflow_id=seen.workflow_id,
        is_open=False,
        execution=seed_of(seen.execution, seen.trigger, seen.in_doubt),
        trigger=seen.trigger,
        thread=seen.thread,
    )


async def forget(place, workflow_id):
    """Delete a run from Temporal and wait until it is gone."""
    await place.client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=place.client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow_id)
        )
    )
    while await place.live._describe(workflow_id) is not None:
        await asyncio.sleep(0.1)


async def test_a_completed_trip_is_undone_from_a_step_then_whole_then_there_is_nothing_left(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await completed(place)
        first = await undo(place, execution, from_step="take_money", override=True)
        assert first["word"] == "Partially compensated"
        assert [entry["name"] for entry in undone(place)] == ["give_money"]
        second = await undo(place, execution, override=True)
        assert second["word"] == "Compensated"
        names = [entry["name"] for entry in undone(place)]
        assert sorted(names) == ["cancel_car", "cancel_flight", "cancel_hotel", "give_money"], "nothing twice"
        assert plan_undo((await look(place, execution)).execution).steps == ()


async def test_the_linked_run_uses_the_original_keys_and_gets_its_own_signals(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await completed(place)
        await undo(place, execution, override=True)
        assert {entry["key"] for entry in undone(place)} == {
            f"{execution}:{step}:undo:1" for step in ("take_money", "book_car", "book_flight", "book_hotel")
        }
        seen = await look(place, execution)
        assert (seen.workflow_id, seen.execution.state.execution_id) == (linked_id(execution), execution)


async def test_it_works_after_temporal_has_forgotten_the_execution(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await completed(place)
        kept = await look(place, execution)
        await forget(place, execution)
        assert await place.live.look(execution) is None
        assert await place.live.begin_undo(kept, command("CompensateRequested", override=True))
        result = await place.client.get_workflow_handle(linked_id(execution)).result()
        assert (result["word"], len(undone(place))) == ("Compensated", 4)


async def test_there_is_one_linked_run_at_a_time(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await completed(place)
        place.agency.write(give_money="fail")
        seen = await look(place, execution)
        given = [place.live.begin_undo(seen, command("CompensateRequested", override=True)) for _ in range(2)]
        assert sorted(await asyncio.gather(*given)) == [False, True]
        await place.until(linked_id(execution), "Stuck", take_money="stuck")
        place.agency.write(give_money="ok")
        await place.give(linked_id(execution), "RetryRequested", step="take_money")
        await place.until(linked_id(execution), "Compensated")
        assert len(undone(place)) == 4


async def test_who_has_not_seen_a_linked_run_that_has_ended_meanwhile_starts_none(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await completed(place)
        seen = await look(place, execution)
        assert (await undo(place, execution, override=True))["word"] == "Compensated"
        with pytest.raises(ConflictError):
            await place.live.begin_undo(seen, command("CompensateRequested", override=True))
        assert len(undone(place)) == 4


async def test_a_trip_that_was_terminated_while_it_waited_is_undone(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        await place.client.get_workflow_handle(execution).terminate("an accident")
        seen = await look(place, execution)
        assert (seen.gone, seen.is_open, seen.in_doubt) == ("terminated", False, ())
        assert seen.ended == seen.first_ended is not None
        await place.live.begin_undo(seeded(seen), command("CompensateRequested"))
        result = await place.client.get_workflow_handle(linked_id(execution)).result()
        assert (result["word"], len(undone(place))) == ("Compensated", 3)


async def test_what_a_lost_run_of_a_terminated_trip_may_have_done_is_undone_too(tmp_path) -> None:
    async with office(tmp_path, worker=False) as place:
        place.agency.write(book_car="die")
        async with worker_process(place) as first:
            execution = await place.order()
            await first.wait()
        await place.client.get_workflow_handle(execution).terminate("an accident")
        place.agency.write(book_car="ok")
        begun = [entry["name"] for entry in place.agency.books()]
        assert set(begun) == {"book_hotel", "book_flight", "book_car"}
        async with worker_process(place):
            seen = await look(place, execution)
            assert [entry["name"] for entry in place.agency.books()] == begun, "looking performs nothing"
            assert set(seen.in_doubt) == {"book_flight", "book_car"}
            await place.live.begin_undo(seeded(seen), command("CompensateRequested"))
            result = await place.client.get_workflow_handle(linked_id(execution)).result()
        assert result["word"] == "Compensated"
        assert sorted(entry["name"] for entry in undone(place)) == ["cancel_car", "cancel_flight", "cancel_hotel"]


async def test_a_running_trip_is_seen_as_its_own_run(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        seen = await look(place, execution)
        assert (seen.workflow_id, seen.is_open, seen.gone, seen.ended) == (execution, True, "", None)
        assert seen.execution.word == "Running"
        assert seen.thread["correlation_id"] == execution
        assert await place.live.look("trip:nobody") is None


async def test_the_history_of_a_running_trip_is_not_read_where_its_plan_is_known(tmp_path, monkeypatch) -> None:
    async with office(tmp_path) as place:
        names = [await place.waiting(number) for number in (1, 2)]
        live = place.live
        first = await live.look(names[0])
        monkeypatch.setattr("orchestrator.adapters.temporal.live.first_input", _nobody_reads)
        seen = await live.look(names[1])
        assert first is not None
        assert seen is not None
        assert (seen.workflow_id, seen.is_open, seen.execution.word) == (names[1], True, "Running")
        assert seen.execution.plan == first.execution.plan
        assert seen.trigger.type == first.trigger.type
        assert seen.trigger.payload["trip"] == names[1].partition(":")[2]
        await place.client.get_workflow_handle(names[1]).terminate("an accident")
        with pytest.raises(AssertionError, match="was read"):
            await live.look(names[1])


async def _nobody_reads(*_) -> None:
    raise AssertionError("the history was read")


async def test_what_a_lost_run_after_a_recorded_one_may_have_done_is_undone_too(tmp_path) -> None:
    async with office(tmp_path, worker=False) as place:
        place.agency.write(take_money="die")
        async with worker_process(place) as first:
            execution = await place.waiting()
            await place.approve(execution)
            await first.wait()
        await place.client.get_workflow_handle(execution).terminate("an accident")
        place.agency.write(take_money="ok")
        async with worker_process(place):
            seen = await look(place, execution)
            assert [entry["how"] for entry in place.agency.books()] == ["ok", "ok", "ok", "die"]
            await place.live.begin_undo(seeded(seen), command("CompensateRequested"))
            result = await place.client.get_workflow_handle(linked_id(execution)).result()
        assert result["word"] == "Compensated"
        assert next(entry["name"] for entry in undone(place)) == "give_money"
        assert len(undone(place)) == 4
