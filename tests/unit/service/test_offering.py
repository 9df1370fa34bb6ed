"""What is offered: what the table allows, unless the engine says no, or an undo would come to nothing."""

from datetime import timedelta

import pytest

from orchestrator.engine.arrivals import PAST_PIVOT
from orchestrator.service.access import Role
from orchestrator.service.offering import NOTHING, WHOLE, offered
from orchestrator.service.rules import ALLOWED
from orchestrator.service.subjects import Subject
from tests.service_kit import ADMIN, NOW, ServiceBench
from tests.table_kit import ENGINE_SAYS_NO, in_status, is_done


async def undo_of(bench, name="t1", now=NOW, **more):
    subject = await bench.world.subjects.find(f"trip:{name}")
    subject = Subject(subject.seen, more.get("window_ends", subject.window_ends))
    return next(one for one in offered(ADMIN, subject, subject.status, now) if one.operation == "compensate")


async def test_an_aborted_execution_of_which_nothing_was_done_is_not_offered_for_undo() -> None:
    bench = ServiceBench()
    bench.run("t1", book_car="reject", book_flight="reject", book_hotel="reject")
    found = await undo_of(bench)
    assert (found.allowed, found.why_not) == (False, NOTHING)


@pytest.mark.parametrize("status", ["stuck", "parked", "completed", "running"])
async def test_what_left_something_behind_is(status) -> None:
    bench = ServiceBench()
    in_status(bench, status)
    assert (await undo_of(bench)).allowed


async def test_when_its_window_has_passed_it_says_so() -> None:
    bench = ServiceBench()
    in_status(bench, "completed")
    ends = NOW - timedelta(seconds=1)
    found = await undo_of(bench, window_ends=ends)
    assert not found.allowed
    assert found.why_not == f"its compensation window ended at {ends.isoformat(timespec='seconds')}"
    assert (await undo_of(bench, window_ends=NOW)).allowed


async def test_what_the_table_forbids_keeps_the_tables_reason() -> None:
    bench = ServiceBench()
    in_status(bench, "compensated")
    assert "compensate is for executions that are" in (await undo_of(bench)).why_not


@pytest.mark.parametrize("status", ALLOWED)
async def test_what_the_engine_would_refuse_is_not_offered(status) -> None:
    bench = ServiceBench()
    in_status(bench, status)
    subject = await bench.world.subjects.find("trip:t1")
    found = {one.operation: one for one in offered(ADMIN, subject, subject.status, NOW)}
    for operation in WHOLE:
        assert found[operation].allowed == is_done(operation, status, Role.ADMIN)
        assert bool(found[operation].why_not) != found[operation].allowed


async def test_a_cancel_behind_the_point_of_no_return_is_not_offered_and_says_why() -> None:
    assert ("parked", "cancel") in ENGINE_SAYS_NO
    bench = ServiceBench()
    in_status(bench, "parked")
    subject = await bench.world.subjects.find("trip:t1")
    (cancel,) = [one for one in offered(ADMIN, subject, subject.status, NOW) if one.operation == "cancel"]
    assert (cancel.allowed, cancel.why_not) == (False, PAST_PIVOT)
