"""A whole run: rule 5 of express.md, on a courier by hand."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.temporal import running
from orchestrator.adapters.temporal.performing import Watch
from orchestrator.adapters.temporal.running import Run, late
from tests.rabbitmq_kit import until
from tests.temporal_kit import FakeCourier, call, reply_to, request, stage


def run(*calls, courier=None, budget_ms=1_000, behind=timedelta(0)):
    made = request(*calls, budget_ms=budget_ms)
    return Run(stage(courier), made, "fetch:1", Watch(datetime.now(UTC) - behind)).perform()


def kinds(report):
    return [(one.step, one.kind) for one in report.reports]


async def test_steps_follow_each_other_and_are_reported_in_the_order_they_ended() -> None:
    courier = FakeCourier()
    report = await run(call("take"), call("wrap", after=["take"]), call("tell", after=["wrap"]), courier=courier)
    assert kinds(report) == [("take", "ok"), ("wrap", "ok"), ("tell", "ok")]
    assert [sent.type for sent in courier.published] == ["told"]


async def test_the_result_of_one_step_is_a_fact_of_the_next_that_takes_it() -> None:
    courier = FakeCourier(answers=lambda command: reply_to(command, body=b'{"what": "cocoa"}'))
    await run(call("take"), call("tell", after=["take"]), courier=courier)
    assert [told.body for told in courier.published] == [b'{"what":"cocoa"}']


async def test_an_undo_makes_no_fact() -> None:
    courier = FakeCourier()
    report = await run(call("take", "undo"), call("tell", after=["take"]), courier=courier)
    assert kinds(report) == [("take", "ok"), ("tell", "failed")]


async def test_nothing_is_begun_after_a_step_that_did_not_succeed() -> None:
    courier = FakeCourier()
    report = await run(call("wrap", how="refuse"), call("tell", after=["wrap"]), courier=courier)
    assert kinds(report) == [("wrap", "refused")]
    assert courier.published == []


async def test_what_is_under_way_beside_a_refusal_comes_to_its_end_and_is_reported() -> None:
    async def slow(command):
        await asyncio.sleep(0.05)
        for future in courier.waiting[command.id]:
            future.set_result(reply_to(command))

    tasks: list[asyncio.Task[None]] = []
    courier = FakeCourier(answers=lambda command: tasks.append(asyncio.create_task(slow(command))))
    report = await run(call("take"), call("wrap", how="refuse"), call("tell", after=["take"]), courier=courier)
    assert kinds(report) == [("wrap", "refused"), ("take", "ok")]
    assert courier.published == []


async def test_branches_go_on_side_by_side() -> None:
    both = asyncio.Event()
    courier = FakeCourier(answers=lambda _: None)

    async def answer_when_both_are_under_way():
        while len(courier.sent) < 2:
            await asyncio.sleep(0)
        both.set()
        for sent in list(courier.sent):
            for future in courier.waiting[sent.id]:
                future.set_result(reply_to(sent))

    answering = asyncio.create_task(answer_when_both_are_under_way())
    report = await run(call("take"), call("take", "undo"), courier=courier)
    await answering
    assert both.is_set()
    assert [one.kind for one in report.reports] == ["ok", "ok"]


async def test_a_process_that_wakes_late_begins_nothing() -> None:
    courier = FakeCourier()
    report = await run(call("take"), courier=courier, behind=timedelta(seconds=2))
    assert report.reports == []
    assert courier.sent == []
    assert report.elapsed_ms >= 2_000


async def test_no_step_is_begun_when_the_budget_is_spent() -> None:
    courier = FakeCourier(answers=lambda _: None)
    report = await run(call("take"), call("wrap", after=["take"]), courier=courier, budget_ms=60)
    assert kinds(report) == [("take", "pending")]


async def test_a_brief_action_is_stopped_hard_at_its_limit(monkeypatch) -> None:
    monkeypatch.setattr(running, "BRIEF_LIMIT_S", 0.05)
    report = await run(call("wrap", how="hang"), budget_ms=50)
    assert kinds(report) == [("wrap", "failed")]
    assert report.reports[0].retryable


async def test_a_command_that_could_not_even_be_sent_in_time_is_pending_with_its_deadline() -> None:
    made = late(call("take", deadline_ms=123))
    assert (made.kind, made.deadline_ms) == ("pending", 123)


async def test_when_the_run_is_cancelled_no_further_step_is_begun_and_those_under_way_are_stopped() -> None:
    courier = FakeCourier(answers=lambda _: None)
    task = asyncio.create_task(run(call("take"), call("tell", after=["take"]), courier=courier))
    while not courier.sent:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not courier.waiting[courier.sent[0].id])
    assert courier.published == []


async def test_a_run_that_nobody_goes_on_with_is_gone_without_a_word() -> None:
    """As in a process that was killed, or at the end of a test: nobody waits for its calls any more."""
    before = asyncio.all_tasks()
    made = run(call("carve", how="hang"), call("wrap", how="hang"))
    made.send(None)
    made.close()
    left = asyncio.all_tasks() - before
    assert len(left) == 2, "the calls, and nobody who waits for them"
    for task in left:
        task.cancel()


async def test_a_run_of_nothing_is_no_fault() -> None:
    assert (await run()).reports == []


TAKEN, WRAPPED = len('{"what":"tea"}'), len('{"paper":"for fetch:1:wrap:do:1"}')


@pytest.mark.parametrize(
    ("room", "found"),
    [
        (None, [("take", "ok"), ("wrap", "ok"), ("tell", "ok")]),
        (TAKEN + WRAPPED, [("take", "ok"), ("wrap", "ok"), ("tell", "ok")]),
        (TAKEN + WRAPPED - 1, [("take", "ok"), ("wrap", "failed")]),
        (TAKEN - 1, [("take", "failed")]),
        (-7, [("take", "failed")]),
    ],
)
async def test_results_that_are_too_much_for_one_report_fail_their_step(room, found) -> None:
    """A marker that is too large would fail its workflow task without end."""
    made = replace(request(call("take"), call("wrap", after=["take"]), call("tell", after=["wrap"])), room=room)
    report = await Run(stage(), made, "fetch:1", Watch(datetime.now(UTC))).perform()
    assert kinds(report) == found
    last = report.reports[-1]
    assert last.result is None
    assert ("bytes" in last.reason) == (last.kind == "failed")
