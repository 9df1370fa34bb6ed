"""The interpreter's hands, with Temporal's workflow functions replaced by some that remember what they were asked."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, RetryState, TimeoutType
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from orchestrator.adapters.temporal import calls
from orchestrator.adapters.temporal.calls import Calls
from orchestrator.adapters.temporal.given import (
    ANNOUNCE,
    ATTEMPT,
    BOUNDARY,
    PARK,
    RUN,
    Given,
    Limits,
    Notice,
    Report,
    Request,
    RunReport,
    from_json,
    to_json,
)
from orchestrator.adapters.temporal.pending import Pending
from orchestrator.engine.effects import Alert, CancelAttempt, Park, Perform
from orchestrator.engine.execution import Execution
from orchestrator.engine.lookahead import RunItem
from orchestrator.engine.signals import ReceivedEvent, Started
from tests.rabbitmq_kit import until
from tests.temporal_kit import STEPS, THREAD, call, saga

TRIGGER = ReceivedEvent(identity="i", body_hash="b", type="asked", payload={"key": "1", "how": ""}, message_id="m1")
NOW = 1_900_000_000.0


class Workflow:
    """What `temporalio.workflow` is to the module; `answers` by activity, exceptions are raised."""

    ActivityCancellationType = workflow.ActivityCancellationType

    def __init__(self, **answers: Any):
        self.answers = answers
        self.asked: list[tuple[str, Any, dict[str, Any]]] = []
        self.attributes: list[str] = []
        self.cancelled: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    def time(self):
        return NOW

    async def execute_local_activity(self, name, argument, **options):
        return await self._made(name, argument, options)

    async def execute_activity(self, name, argument, **options):
        return await self._made(name, argument, options)

    def start_activity(self, name, argument, **options):
        task: Any = asyncio.ensure_future(self._made(name, argument, options))
        handle = SimpleNamespace(cancel=lambda: self.cancelled.append(name), __await__=task.__await__)
        return _Awaitable(task, handle.cancel)

    async def wait(self, tasks):
        await asyncio.wait(tasks)

    def upsert_search_attributes(self, updates):
        self.attributes += [update.value for update in updates]

    async def _made(self, name, argument, options):
        self.asked.append((name, argument, options))
        await self.hold.wait()
        answer = self.answers.get(name.removeprefix("saga."))
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Awaitable:
    def __init__(self, task, cancel):
        self._task, self.cancel = task, cancel

    def __await__(self):
        return self._task.__await__()


@pytest.fixture
def temporal(monkeypatch):
    def become(**answers):
        made = Workflow(**answers)
        monkeypatch.setattr(calls, "workflow", made)
        return made

    return become


def hands():
    given = Given(plan=saga.plan, execution_id="fetch:1", trigger=TRIGGER, thread=THREAD, limits=Limits())
    execution = Execution.begin(saga.plan, "fetch:1")
    execution.receive(Started(TRIGGER))
    return Calls(given), execution


def perform(step: str, direction: Literal["do", "undo"] = "do", *, pivot: bool = False) -> Perform:
    found = STEPS[step].do if direction == "do" else STEPS[step].undo
    assert found is not None
    return Perform(step=step, direction=direction, attempt=1, call=found, is_pivot=pivot)


def failure(cause=None):
    error = ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="w",
        activity_type="t",
        activity_id="1",
        retry_state=RetryState.TIMEOUT,
    )
    error.__cause__ = cause
    return error


REPORT = RunReport(reports=[Report(step="take", direction="do", attempt=1, kind="ok")], elapsed_ms=12)


async def test_a_run_is_one_local_activity_with_one_attempt_and_a_limit(temporal) -> None:
    asked = temporal(run=to_json(REPORT))
    made, execution = hands()
    items = [RunItem(perform("take"), (), {"asked": 1}), RunItem(perform("wrap"), ("take",), {})]
    assert await made.run(execution, items, [], room=1_000) == REPORT
    ((name, argument, options),) = asked.asked
    request = from_json(Request, argument)
    assert (name, options["retry_policy"].maximum_attempts) == (RUN, 1)
    assert [(one.step, one.after, one.key) for one in request.calls] == [
        ("take", [], "fetch:1:take:do:1"),
        ("wrap", ["take"], "fetch:1:wrap:do:1"),
    ]
    assert (request.budget_ms, request.thread) == (1_000, THREAD)
    # It must end by itself before the workflow task is kept alive by a heartbeat (express.md, 5).
    assert options["schedule_to_close_timeout"].total_seconds() < 0.8 * 3


async def test_a_resend_keeps_its_deadline(temporal) -> None:
    asked = temporal(run=to_json(REPORT))
    made, execution = hands()
    await made.run(execution, [], [Pending(perform("take"), 1234)], room=1_000)
    assert from_json(Request, asked.asked[0][1]).calls[0].deadline_ms == 1234


async def test_a_run_that_comes_to_no_report_is_told_from_one_that_is_cancelled(temporal) -> None:
    made, execution = hands()
    temporal(run=failure(TemporalTimeoutError("late", type=None, last_heartbeat_details=[])))
    assert await made.run(execution, [], [], room=1_000) is None
    # The SDK does not wrap what a local activity raised: uncaught, it would end the workflow with nothing undone.
    temporal(run=ApplicationError("the answer is too large"))
    assert await made.run(execution, [], [], room=1_000) is None
    temporal(run=failure(CancelledError("evicted")))
    with pytest.raises(ActivityError):
        await made.run(execution, [], [], room=1_000)


async def begun(temporal, answer, one):
    asked = temporal(attempt=answer)
    made, execution = hands()
    told: list[Report] = []
    made.begin(one, execution, lambda _, report: told.append(report))
    assert made.are_open
    while made.are_open:
        await asyncio.sleep(0)
    return asked, told


async def test_a_durable_attempt_is_an_activity_whose_server_limit_is_later_than_its_own(temporal) -> None:
    report = Report(step="carve", direction="do", attempt=1, kind="ok", result={"wood": "oak"})
    asked, told = await begun(temporal, to_json(report), perform("carve"))
    assert told == [report]
    ((name, argument, options),) = asked.asked
    request = from_json(Request, argument)
    assert (name, options["retry_policy"].maximum_attempts) == (ATTEMPT, 1)
    assert options["start_to_close_timeout"].total_seconds() * 1000 == request.budget_ms + calls.SLACK_MS
    assert options["heartbeat_timeout"] == calls.HEARTBEAT
    assert request.calls[0].facts == {"asked": TRIGGER.payload}


async def test_a_pivot_command_waits_in_its_activity_only_until_the_first_resend(temporal) -> None:
    report = Report(step="take", direction="do", attempt=1, kind="pending", deadline_ms=5)
    asked, told = await begun(temporal, to_json(report), perform("take", pivot=True))
    assert told[0].kind == "pending"
    assert from_json(Request, asked.asked[0][1]).budget_ms == Limits().resend_first_ms


LIMIT_MS = STEPS["carve"].within_ms + calls.SLACK_MS


@pytest.mark.parametrize(
    ("kind", "fence_ms"),
    [
        (TimeoutType.HEARTBEAT, LIMIT_MS - 1000 * calls.HEARTBEAT.seconds),  # it was given to a worker so long ago
        (TimeoutType.START_TO_CLOSE, 0),
        (None, LIMIT_MS),
    ],
)
async def test_an_activity_without_a_verdict_is_fenced_until_its_own_deadline_has_passed(
    temporal, kind, fence_ms
) -> None:
    cause = TemporalTimeoutError("out of time", type=kind, last_heartbeat_details=[])
    _, (report,) = await begun(temporal, failure(cause), perform("carve"))
    assert (report.kind, report.retryable) == ("failed", True)
    assert "out of time" in report.reason
    assert report.fence_ms == fence_ms


async def test_a_short_attempt_that_was_not_heard_of_is_over(temporal) -> None:
    cause = TemporalTimeoutError("heartbeat", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[])
    _, (report,) = await begun(temporal, failure(cause), perform("take", pivot=True))
    assert report.fence_ms == 0


@pytest.mark.parametrize("cause", [CancelledError("asked to stop"), ApplicationError("it broke")])
async def test_an_attempt_whose_end_was_reported_keeps_no_undo_waiting(temporal, cause) -> None:
    """A sibling that heeds `on_sibling_failure="cancel"` would else hold its saga for all the time it might have taken."""
    _, (report,) = await begun(temporal, failure(cause), perform("carve"))
    assert (report.kind, report.fence_ms) == ("failed", 0)


async def test_an_attempt_is_asked_to_stop_and_its_report_still_awaited(temporal) -> None:
    asked = temporal(attempt=to_json(Report(step="carve", direction="do", attempt=1, kind="ok")))
    asked.hold.clear()
    made, execution = hands()
    told: list[Report] = []
    made.begin(perform("carve"), execution, lambda _, report: told.append(report))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    made.cancel(CancelAttempt("carve", "do", 1))
    made.cancel(CancelAttempt("carve", "do", 2))
    assert asked.cancelled == [ATTEMPT]
    assert made.are_open
    asked.hold.set()
    while made.are_open:
        await asyncio.sleep(0)
    assert len(told) == 1


@pytest.mark.parametrize("look", [True, False])
async def test_a_boundary_is_a_normal_activity_that_says_what_it_saw(temporal, look) -> None:
    asked = temporal(boundary=look)
    made, _ = hands()
    assert await made.boundary(since=17) is look
    assert asked.asked[0][:2] == (BOUNDARY, 17)


async def test_people_are_told_both_errors_of_a_stuck_step_and_no_payload(temporal) -> None:
    asked = temporal()
    made, execution = hands()
    execution.state.steps["take"].error = "broke"
    execution.state.steps["take"].undo_error = "broke again"
    made.alert(Alert("stuck", "take", "gave up"), execution)
    await made.finish()
    ((name, argument, _),) = asked.asked
    notice = from_json(Notice, argument)
    assert (name, notice.type) == (ANNOUNCE, "saga.execution.stuck")
    assert notice.body == {
        "execution": "fetch:1",
        "step": "take",
        "reason": "gave up",
        "error": "broke",
        "undo_error": "broke again",
    }
    assert not made.are_open


async def test_an_event_that_cannot_be_used_is_parked_with_code_and_reason(temporal) -> None:
    asked = temporal()
    made, _ = hands()
    made.park(Park(replace(TRIGGER, source="/shop", sequence="0003"), "held-at-end", "it ended"))
    await made.finish()
    ((name, argument, _),) = asked.asked
    notice = from_json(Notice, argument)
    assert (name, notice.type, notice.reason, notice.identity) == (PARK, "asked", "held-at-end: it ended", "m1")
    assert (notice.body, notice.source, notice.sequence) == (TRIGGER.payload, "/shop", "0003")


def test_the_status_is_shown_only_when_people_are_needed_and_when_they_are_not_any_more(temporal) -> None:
    asked = temporal()
    made, _ = hands()
    for word in ("Running", "Stuck", "Stuck", "Compensating", "Compensating", "Parked", "Completed"):
        made.show_status(word)
    assert asked.attributes == ["Stuck", "Compensating", "Parked", "Completed"]


def test_a_continued_run_knows_what_the_one_before_has_shown(temporal) -> None:
    asked = temporal()
    made, _ = hands()
    made.take_up("Stuck")
    made.show_status("Stuck")
    assert asked.attributes == []
    made.show_status("Compensating")
    assert asked.attributes == ["Compensating"]


def test_calls_made_by_hand_are_like_those_the_interpreter_makes() -> None:
    made, execution = hands()
    assert made._call(execution, perform("take")) == call("take")


def large(execution, size):
    execution.state.facts["asked"] = {"key": "1", "how": "x" * size}


async def test_attempts_that_are_too_much_for_one_message_wait_for_the_next(temporal) -> None:
    asked = temporal(attempt=to_json(Report(step="carve", direction="do", attempt=1, kind="ok")))
    made, execution = hands()
    large(execution, 900_000)
    carve, again = perform("carve"), replace(perform("carve"), attempt=2)
    assert made.begin(carve, execution, lambda *_: None), "the first is asked for, however large"
    assert not made.begin(again, execution, lambda *_: None)
    made.recorded()
    assert made.begin(again, execution, lambda *_: None)
    await until(lambda: not made.are_open)
    assert [name for name, _, _ in asked.asked] == [ATTEMPT, ATTEMPT]


async def test_a_boundary_makes_room_for_what_comes_after_it(temporal) -> None:
    temporal(boundary=False, attempt=to_json(Report(step="carve", direction="do", attempt=1, kind="ok")))
    made, execution = hands()
    large(execution, 900_000)
    assert made.begin(perform("carve"), execution, lambda *_: None)
    await made.boundary()
    assert made.begin(replace(perform("carve"), attempt=2), execution, lambda *_: None)
    await until(lambda: not made.are_open)


async def test_small_attempts_are_asked_for_together(temporal) -> None:
    temporal(attempt=to_json(Report(step="carve", direction="do", attempt=1, kind="ok")))
    made, execution = hands()
    assert all(
        made.begin(replace(perform("carve"), attempt=number), execution, lambda *_: None) for number in range(20)
    )
    await until(lambda: not made.are_open)


async def test_notices_that_are_too_much_for_one_message_are_told_one_after_the_other(temporal) -> None:
    asked = temporal()
    made, _ = hands()
    asked.hold.clear()
    for number in range(3):
        event = replace(TRIGGER, message_id=f"m{number}", payload="x" * 700_000)
        made.park(Park(event, "held-at-end", "the end"))
    await asyncio.sleep(0)
    assert [argument["identity"] for _, argument, _ in asked.asked] == ["m0"]
    asked.hold.set()
    await made.finish()
    assert [argument["identity"] for _, argument, _ in asked.asked] == ["m0", "m1", "m2"]
