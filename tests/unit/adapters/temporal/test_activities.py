"""The activities by themselves: `ActivityEnvironment` gives them the context that a worker would."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import RecordActivityTaskHeartbeatResponse
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from orchestrator.adapters.temporal import activities
from orchestrator.adapters.temporal.activities import Activities
from orchestrator.adapters.temporal.calls import HEARTBEAT
from orchestrator.adapters.temporal.given import Notice, Report, RunReport, from_json, to_json
from orchestrator.adapters.temporal.notices import REMEDIES
from orchestrator.errors import PublishError
from tests.metrics_kit import Meter
from tests.temporal_kit import THREAD, FakeCourier, call, request, stage


def environment(**more):
    made = ActivityEnvironment()
    now = datetime.now(UTC)
    times = {"current_attempt_scheduled_time": now, "started_time": now}
    made.info = replace(made.info, workflow_id="fetch:1", **{**times, **more})
    return made


def acting(courier=None, client=None):
    return Activities(stage(courier), cast("Any", client))


async def test_a_run_is_performed_and_reported_as_json() -> None:
    asked = to_json(request(call("take"), call("wrap", after=["take"])))
    report = from_json(RunReport, await environment().run(acting().run, asked))
    assert [(one.step, one.kind) for one in report.reports] == [("take", "ok"), ("wrap", "ok")]


async def test_a_durable_attempt_is_performed_with_the_facts_it_was_given() -> None:
    report = from_json(Report, await environment().run(acting().attempt, to_json(request(call("carve")))))
    assert (report.kind, report.result) == ("ok", {"wood": "oak"})


async def test_a_durable_result_that_nobody_has_room_for_fails_the_attempt_for_good() -> None:
    asked = to_json(replace(request(call("carve")), room=10))
    report = from_json(Report, await environment().run(acting().attempt, asked))
    assert (report.kind, report.result, report.retryable) == ("failed", None, False)
    assert "takes 14 bytes, 10 are left" in report.reason


async def test_a_durable_attempt_ends_by_its_own_deadline_before_the_servers(monkeypatch) -> None:
    asked = to_json(request(call("carve", how="hang"), budget_ms=60))
    report = from_json(Report, await environment().run(acting().attempt, asked))
    assert (report.kind, report.retryable) == ("failed", True)
    assert "60 ms" in report.reason


LONG_AGO = datetime.now(UTC) - timedelta(minutes=10)


class Sign:
    """A server that is given signs of life, and what it says to them."""

    def __init__(self, answer):
        self.answer = answer
        self.tokens: list[bytes] = []

    async def record_activity_task_heartbeat(self, asked, retry):
        self.tokens.append(asked.task_token)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def acting(self):
        return acting(client=SimpleNamespace(namespace="default", workflow_service=self))


GONE = RPCError("nobody waits for it", RPCStatusCode.NOT_FOUND, b"")


@pytest.mark.parametrize(
    "answer", [GONE, RecordActivityTaskHeartbeatResponse(cancel_requested=True)], ids=["gone", "to be cancelled"]
)
async def test_a_durable_attempt_that_was_given_up_before_it_was_begun_is_not_begun(answer) -> None:
    server = Sign(answer)
    made = environment(started_time=LONG_AGO, task_token=b"t")
    report = from_json(Report, await made.run(server.acting().attempt, to_json(request(call("carve")))))
    assert (report.kind, report.retryable, report.reason) == ("failed", True, "it was over before it began")
    assert server.tokens == [b"t"]


async def test_a_durable_attempt_is_not_begun_when_nobody_can_say_whether_it_was_given_up() -> None:
    server = Sign(RPCError("away", RPCStatusCode.UNAVAILABLE, b""))
    with pytest.raises(RPCError, match="away"):
        await environment(started_time=LONG_AGO).run(server.acting().attempt, to_json(request(call("carve"))))


async def test_a_durable_attempt_that_wakes_late_and_is_still_waited_for_has_a_moment() -> None:
    server = Sign(RecordActivityTaskHeartbeatResponse())
    made = environment(started_time=LONG_AGO)
    report = from_json(Report, await made.run(server.acting().attempt, to_json(request(call("carve")))))
    assert report.kind == "ok"
    asked = to_json(request(call("carve", how="hang"), budget_ms=60_000))
    report = from_json(Report, await asyncio.wait_for(made.run(server.acting().attempt, asked), 30))
    assert report.kind == "failed"


async def test_a_durable_attempt_that_waited_long_for_a_worker_has_its_whole_time() -> None:
    made = environment(current_attempt_scheduled_time=LONG_AGO)
    report = from_json(Report, await made.run(acting().attempt, to_json(request(call("carve")))))
    assert report.kind == "ok"


async def test_a_durable_attempt_is_kept_alive_while_it_runs(monkeypatch) -> None:
    assert timedelta(seconds=4 * activities.HEARTBEAT_EVERY_S) <= HEARTBEAT, "a busy worker may be late"
    monkeypatch.setattr(activities, "HEARTBEAT_EVERY_S", 0.01)
    made, beats = environment(), []
    made.on_heartbeat = lambda *_: beats.append(1)
    await made.run(acting().attempt, to_json(request(call("carve", how="hang"), budget_ms=200)))
    assert len(beats) >= 2
    ended = len(beats)
    await asyncio.sleep(0.05)
    assert len(beats) == ended


def notice(reason=""):
    return to_json(
        Notice(
            execution_id="fetch:1",
            thread=THREAD,
            type="saga.execution.stuck",
            body={"step": "wrap"},
            reason=reason,
            identity="stuck:wrap:7",
        )
    )


async def test_people_are_told_with_the_same_id_however_often_the_activity_runs() -> None:
    courier = FakeCourier()
    for _ in range(2):
        await environment().run(acting(courier).announce, notice())
    first, second = courier.published
    assert (first.id, first.type, first.body) == (second.id, "saga.execution.stuck", b'{"step":"wrap"}')
    assert first.headers["saga-id"] == "fetch:1"
    assert (first.correlation_id, first.causation_id) == ("thread", "stuck:wrap:7")


async def test_an_event_is_parked_with_code_and_reason() -> None:
    courier = FakeCourier()
    await environment().run(acting(courier).park, notice("held-at-end: it ended: before"))
    ((event, code, reason),) = courier.parked
    assert (event.type, code, reason) == (
        "saga.execution.stuck",
        "held-at-end",
        f"execution 'fetch:1' cannot use message 'stuck:wrap:7': it ended: before: {REMEDIES['held-at-end']}",
    )


async def test_a_broker_that_is_away_fails_the_activity_so_that_it_is_tried_again() -> None:
    with pytest.raises(PublishError):
        await environment().run(acting(FakeCourier(broken=True)).announce, notice())


async def test_a_boundary_without_a_look_asks_nobody() -> None:
    assert await environment().run(acting().boundary, 0) is False


class Histories:
    """A server that gives its history page by page, newest first."""

    def __init__(self, *pages):
        self.pages = pages
        self.asked: list[Any] = []

    async def get_workflow_execution_history_reverse(self, asked, retry):
        self.asked.append(asked)
        number = len(self.asked)
        token = b"" if number == len(self.pages) else str(number).encode()
        return SimpleNamespace(history=SimpleNamespace(events=self.pages[number - 1]), next_page_token=token)


def looking(*pages):
    server = Histories(*pages)
    return server, acting(client=SimpleNamespace(namespace="default", workflow_service=server))


def event(number, kind, **attributes):
    made = HistoryEvent(event_id=number, event_type=getattr(EventType, f"EVENT_TYPE_{kind.upper()}"))
    found = getattr(made, f"{kind}_event_attributes")
    found.SetInParent()
    for name, value in attributes.items():
        setattr(found, name, value)
    return made


OURS = event(6, "activity_task_scheduled", activity_id="7", workflow_task_completed_event_id=5)
FAILED = event(3, "workflow_task_failed")
START = event(1, "workflow_execution_started")


async def test_a_look_reads_on_until_it_knows() -> None:
    server, acts = looking([OURS], [FAILED], [START])
    made = environment(activity_id="7", workflow_run_id="r1")
    assert await made.run(acts.boundary, 1) is True
    assert [asked.next_page_token for asked in server.asked] == [b"", b"1"]
    assert {asked.execution.run_id for asked in server.asked} == {"r1"}


async def test_a_look_that_finds_nothing_lost_says_so() -> None:
    _, acts = looking([OURS], [START])
    assert await environment(activity_id="7").run(acts.boundary, 1) is False


async def test_a_look_never_guesses_when_the_history_ends_without_an_answer() -> None:
    _, acts = looking([FAILED])
    with pytest.raises(RuntimeError, match="fetch:1"):
        await environment(activity_id="7").run(acts.boundary, 1)


def test_every_activity_that_the_workflow_asks_for_is_there() -> None:
    from orchestrator.adapters.temporal import given

    names = {given.RUN, given.ATTEMPT, given.BOUNDARY, given.ANNOUNCE, given.PARK}
    assert {vars(one)["__temporal_activity_definition"].name for one in map(_function, acting().all())} == names


def _function(method):
    return method.__func__


async def test_runs_are_counted_and_those_that_spend_their_budget() -> None:
    meter = Meter()
    made = Activities(replace(stage(None), meter=meter), cast("Any", None))
    unanswered = Activities(replace(stage(FakeCourier(answers=lambda _: None)), meter=meter), cast("Any", None))
    await environment().run(made.run, to_json(request(call("take"))))
    await environment().run(unanswered.run, to_json(request(call("take"), budget_ms=60)))
    assert meter.counted == {("saga.runs", "fetch"): 2, ("saga.runs.over_budget", "fetch"): 1}
