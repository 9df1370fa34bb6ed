"""What a person decides about a trip on real servers: every verdict, what it changes, and what is refused and why."""

import asyncio
import json
import signal

import pytest

from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.temporal.calls import STATUS
from orchestrator.errors import ConflictError, ExecutionNotFoundError, RefusedCommandError
from tests.trip_kit import Confirmed, command, office, worker_process

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]
UNDONE = ["cancel_car", "cancel_flight", "cancel_hotel"]


def undone(place):
    return [name for name in place.agency.done() if name.startswith(("cancel", "give"))]


async def attribute(place, execution):
    described = await place.client.get_workflow_handle(execution).describe()
    return described.typed_search_attributes.get(STATUS)


async def test_a_stuck_undo_keeps_both_errors_and_lets_the_other_branch_finish(tmp_path) -> None:
    async with office(tmp_path) as place:
        place.agency.write(book_flight=["fail", "fail"])
        place.agency.write(cancel_flight="fail")
        execution = await place.order()
        found = await place.until(execution, "Stuck", book_car="undone")
        flight = found["state"]["steps"]["book_flight"]
        assert (flight["error"], flight["undo_error"]) == (
            "RuntimeError: book_flight is out of order",
            "RuntimeError: cancel_flight is out of order",
        )
        assert found["steps"]["book_hotel"]["phase"] == "done", "what the stuck step depended on waits"
        assert await attribute(place, execution) == "Stuck"


async def test_one_stuck_undo_is_told_once_to_whoever_listens(tmp_path) -> None:
    async with office(tmp_path) as place:
        alerts = await place.alerts()
        execution = await place.stuck()
        alert = (await place.corner.take(alerts))[0]
        told = json.loads(alert.body)
        assert alert.routing_key == "saga.execution.stuck"
        assert (told["execution"], told["step"]) == (execution, "book_flight")
        place.agency.write(cancel_flight="ok")
        await place.give(execution, "RetryRequested", step="book_flight")
        await place.until(execution, "Compensated")
        assert await place.corner.depth(alerts) == 0


async def test_retry_now_makes_the_undo_again_under_its_key_and_the_rest_follows(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        place.agency.write(cancel_flight="ok")
        taken = await place.give(execution, "RetryRequested", step="book_flight")
        assert (taken.after, taken.ignored) == (taken.before + 1, "")
        await place.until(execution, "Compensated")
        assert sorted(undone(place)) == UNDONE
        assert len({entry["key"] for entry in place.agency.books() if entry["name"] == "cancel_flight"}) == 1
        assert await attribute(place, execution) == "Compensated"


async def test_a_retry_that_fails_again_is_stuck_again(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        before = len(place.agency.books())
        await place.give(execution, "RetryRequested", step="book_flight")
        async with asyncio.timeout(30):
            while len(place.agency.books()) < before + 2:
                await asyncio.sleep(0.05)
        await place.until(execution, "Stuck", book_flight="stuck")


async def test_retry_with_an_edited_input_hands_the_edited_fact_to_this_step_alone(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        place.agency.write(cancel_flight="ok")
        edited = {"trip_ordered": {"trip": execution.partition(":")[2], "guests": 4}}
        await place.give(execution, "RetryRequested", step="book_flight", edited=edited)
        found = await place.until(execution, "Compensated")
        assert [entry["guests"] for entry in place.agency.books() if entry["name"] == "cancel_flight"][-1] == 4
        assert found["state"]["facts"]["trip_ordered"]["guests"] == 1


async def test_a_stuck_undo_marked_done_keeps_its_evidence_and_the_rest_follows(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        await place.give(execution, "MarkDoneRequested", step="book_flight", evidence="refund slip 7")
        found = await place.until(execution, "Compensated")
        assert "refund slip 7" in found["state"]["steps"]["book_flight"]["undo_error"]
        assert undone(place) == ["cancel_car", "cancel_hotel"]


async def test_a_stuck_undo_that_is_skipped_leaves_a_partial_compensation(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        await place.give(execution, "SkipRequested", step="book_flight")
        await place.until(execution, "Partially compensated", book_flight="left", book_hotel="undone")


async def test_abandon_leaves_the_rest_and_says_partially(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        await place.give(execution, "AbandonRequested")
        await place.until(execution, "Partially compensated", book_flight="left", book_hotel="left")
        assert await attribute(place, execution) == "Partially compensated"


async def test_a_step_behind_the_pivot_is_tried_by_policy_then_parked_told_once_and_retried_by_hand(tmp_path) -> None:
    async with office(tmp_path) as place:
        alerts = await place.alerts()
        execution = await place.parked()
        assert len([entry for entry in place.agency.books() if entry["name"] == "send_papers"]) == 2
        assert (await place.corner.take(alerts))[0].routing_key == "saga.execution.parked"
        place.agency.write(send_papers="ok")
        await place.give(execution, "RetryRequested", step="send_papers")
        await place.until(execution, "Completed")
        assert await place.corner.depth(alerts) == 0
        assert undone(place) == []


async def test_a_parked_step_that_is_skipped_gives_its_result_to_the_steps_behind_it(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.parked()
        await place.give(execution, "SkipRequested", step="send_papers", result={"parcel": "by hand"})
        await place.until(execution, "Completed")
        assert place.agency.books()[-1]["parcel"] == "by hand"


async def test_suspend_begins_nothing_until_resume(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        await place.give(execution, "SuspendRequested")
        assert await attribute(place, execution) == "Suspended"
        await place.approve(execution)
        found = await place.until(execution, "Suspended")
        while len(found["state"]["held"]) < 2:
            await asyncio.sleep(0.05)
            found = await place.show(execution)
        assert "take_money" not in place.agency.done()
        await place.give(execution, "ResumeRequested")
        await place.until(execution, "Completed")


async def test_resume_tries_everything_that_is_stuck_again(tmp_path) -> None:
    async with office(tmp_path) as place:
        place.agency.write(cancel_car="fail")
        place.agency.write(cancel_flight="fail")
        execution = await place.waiting()
        await place.give(execution, "CancelRequested")
        await place.until(execution, "Stuck", book_car="stuck", book_flight="stuck")
        place.agency.write(cancel_car="ok", cancel_flight="ok")
        await place.give(execution, "ResumeRequested")
        await place.until(execution, "Compensated")


async def test_cancel_before_the_pivot_undoes_and_behind_it_is_refused_with_the_reason(tmp_path) -> None:
    async with office(tmp_path) as place:
        early, late = await place.waiting(1), await place.parked(2)
        await place.give(early, "CancelRequested")
        await place.until(early, "Compensated")
        with pytest.raises(RefusedCommandError, match="point of no return"):
            await place.give(late, "CancelRequested")
        assert (await place.show(late))["word"] == "Parked"


async def test_compensate_past_the_pivot_needs_the_override(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.parked()
        with pytest.raises(RefusedCommandError, match="override"):
            await place.give(execution, "CompensateRequested")
        await place.give(execution, "CompensateRequested", override=True)
        await place.until(execution, "Compensated")
        assert (undone(place)[0], undone(place)[-1], len(undone(place))) == ("give_money", "cancel_hotel", 4)


async def test_compensate_from_a_step_undoes_it_and_what_came_behind_it_and_then_the_whole(tmp_path) -> None:
    async with office(tmp_path) as place:
        place.agency.write(cancel_flight="fail")
        execution = await place.waiting()
        await place.give(execution, "CompensateRequested", from_step="book_flight")
        await place.until(execution, "Stuck", book_flight="stuck", book_car="done")
        place.agency.write(cancel_flight="ok")
        await place.give(execution, "CompensateRequested")
        await place.give(execution, "RetryRequested", step="book_flight")
        await place.until(execution, "Compensated")
        assert sorted(undone(place)) == UNDONE


async def test_released_events_go_to_parking_with_the_reason(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        await place.send(Confirmed(trip=execution.partition(":")[2]))
        while not (await place.show(execution))["state"]["held"]:
            await asyncio.sleep(0.05)
        await place.give(execution, "ReleaseRequested", event_type="trip.confirmed")
        parked = (await place.corner.parked())[0]
        assert parked.headers[parking.REASON] == "released"
        text = str(parked.headers[parking.TEXT])
        assert text.startswith(f"execution {execution!r} cannot use message")
        assert text.endswith(": released by ann: decided by hand")
        with pytest.raises(RefusedCommandError, match="no such events are held"):
            await place.give(execution, "ReleaseRequested")


async def test_the_same_command_twice_is_one_and_is_answered_the_same(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        same = command("SuspendRequested")
        first = await place.commanded.command(execution, same)
        assert await place.commanded.command(execution, same) == first
        assert await place.commanded.command(execution, same, revision=0) == first


async def test_a_command_that_an_earlier_run_took_is_recognised_in_the_next(tmp_path) -> None:
    async with office(tmp_path, signals_per_run=1) as place:
        execution = await place.waiting()
        same = command("SuspendRequested")
        await place.commanded.command(execution, same)
        handle = place.client.get_workflow_handle(execution)
        first = (await handle.describe()).run_id
        await place.send(Confirmed(trip=execution.partition(":")[2]))
        while (await handle.describe()).run_id == first:
            await asyncio.sleep(0.05)
        await place.give(execution, "ResumeRequested")
        taken = await place.commanded.command(execution, same)
        assert (taken.word, taken.before) == ("Running", taken.after)


async def test_of_two_people_who_saw_the_same_one_is_told_what_changed(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.stuck()
        seen = (await place.show(execution))["state"]["revision"]
        given = (
            place.give(execution, "MarkDoneRequested", step="book_flight", evidence="slip 7", revision=seen),
            place.give(execution, "SkipRequested", step="book_flight", revision=seen),
        )
        answers = await asyncio.gather(*given, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Exception)]
        assert len(refused) == 1
        if isinstance(refused[0], ConflictError):  # the other one's end may have been quicker
            assert any("book_flight by ann" in change for change in refused[0].changes), refused[0]
        else:
            assert str(refused[0]).endswith("the execution has ended")


async def test_a_stale_revision_is_refused_and_says_what_happened_since(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        seen = (await place.show(execution))["state"]["revision"]
        await place.give(execution, "SuspendRequested", revision=seen)
        with pytest.raises(ConflictError) as refused:
            await place.give(execution, "CancelRequested", revision=seen)
        assert (refused.value.revision, refused.value.changes) == (seen + 1, (f"{seen + 1} suspend by ann",))


async def test_an_execution_that_does_not_exist_is_said_not_to_exist(tmp_path) -> None:
    async with office(tmp_path) as place:
        with pytest.raises(ExecutionNotFoundError, match="trip:nobody"):
            await place.give("trip:nobody", "CancelRequested")


async def test_a_refused_command_leaves_no_trace_in_the_history(tmp_path) -> None:
    async with office(tmp_path) as place:
        execution = await place.waiting()
        handle = place.client.get_workflow_handle(execution)
        before = (await handle.describe()).raw_description.workflow_execution_info.history_length
        for refused in (
            command("AbandonRequested"),
            command("RetryRequested", step="book_flight"),
            command("SuspendRequested", reason=""),
        ):
            with pytest.raises(RefusedCommandError):
                await place.commanded.command(execution, refused)
        assert (await handle.describe()).raw_description.workflow_execution_info.history_length == before


async def test_a_worker_killed_in_the_retried_undo_is_replaced_and_the_undo_made_under_its_key(tmp_path) -> None:
    async with office(tmp_path, worker=False) as place:
        place.agency.write(cancel_flight=["fail", "fail", "die", "ok"])
        async with worker_process(place) as first:
            execution = await place.waiting()
            await place.give(execution, "CancelRequested")
            await place.until(execution, "Stuck", book_car="undone")
            await place.give(execution, "RetryRequested", step="book_flight")
            assert await first.wait() == -signal.SIGKILL
        async with worker_process(place):
            await place.until(execution, "Compensated")
        tried = [entry for entry in place.agency.books() if entry["name"] == "cancel_flight"]
        assert [entry["how"] for entry in tried] == ["fail", "fail", "die", "ok"]
        assert len({entry["key"] for entry in tried}) == 1


async def test_a_worker_killed_between_a_verdict_and_its_first_effect_leaves_the_verdict_standing(tmp_path) -> None:
    async with office(tmp_path, worker=False) as place:
        async with worker_process(place):
            execution = await place.stuck()
        verdict = command("MarkDoneRequested", step="book_flight", evidence="slip 7")
        async with worker_process(place, str(tmp_path / "died")) as second:
            asked = asyncio.create_task(place.commanded.command(execution, verdict))
            assert await second.wait() == -signal.SIGKILL
            assert "cancel_hotel" not in place.agency.done()
        async with worker_process(place):
            found = await place.until(execution, "Compensated")
            await asyncio.wait([asked])
        assert undone(place) == ["cancel_car", "cancel_hotel"]
        assert found["state"]["commands"].count(verdict.command_id) == 1
