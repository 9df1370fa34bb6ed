"""One attempt, of each lane: what is sent, and what is reported for whatever an author or a participant does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import ActionContext, Rejected, Saga, action, step
from orchestrator.adapters.temporal.given import to_json
from orchestrator.adapters.temporal.performing import MAX_CODE, MAX_REASON, Scene, Stage, Watch, perform
from orchestrator.contracts.protocol import read_command
from orchestrator.messages import short_hash
from orchestrator.saga.handlers import Handlers
from orchestrator.saga.plan import StepPlan, leaves
from tests.metrics_kit import Meter
from tests.temporal_kit import THREAD, Asked, FakeCourier, Wrapped, call, reply_to, stage, unwrap, wrap


@action(brief=True)
async def ring(asked: Asked, ctx: ActionContext) -> None:
    ctx.get(dict)


def scene(made, *, patience=5.0, heartbeat=lambda: None):
    return Scene(
        execution_id="fetch:1",
        workflow_id="fetch:1/undo",
        thread=THREAD,
        call=made,
        facts=made.facts,
        patience=patience,
        heartbeat=heartbeat,
    )


async def done(made, courier=None, **more):
    return await perform(stage(courier), scene(made, **more))


async def test_a_brief_action_is_given_its_facts_and_its_key() -> None:
    report = await done(call("wrap", attempt=2))
    assert (report.kind, report.result) == ("ok", {"paper": "for fetch:1:wrap:do:1"})
    assert (report.step, report.direction, report.attempt) == ("wrap", "do", 2)


async def test_an_undo_is_told_what_it_undoes() -> None:
    assert (await done(call("wrap", "undo"))).kind == "ok"


async def test_a_durable_action_may_say_that_it_is_alive() -> None:
    beats: list[int] = []
    assert (await done(call("carve"), heartbeat=lambda: beats.append(1))).result == {"wood": "oak"}
    assert beats == [1]


@pytest.mark.parametrize(
    ("how", "kind", "retryable", "code", "reason"),
    [
        ("refuse", "refused", False, "paper", "no paper"),
        ("refuse for now", "failed", True, "", "no paper yet"),
        ("break", "failed", True, "", "ZeroDivisionError: by nought"),
    ],
)
async def test_whatever_an_action_raises_is_a_report(how, kind, retryable, code, reason) -> None:
    report = await done(call("wrap", how=how))
    assert (report.kind, report.retryable, report.code, report.reason) == (kind, retryable, code, reason)


async def test_what_breaks_says_where_in_the_code_and_what_does_not_adds_nothing_to_history() -> None:
    broken = await done(call("wrap", how="break"))
    assert broken.frames[-1].startswith("tests.temporal_kit.wrap, line ")
    for fine in (await done(call("wrap")), await done(call("wrap", how="refuse"))):
        assert "frames" not in to_json(fine)


async def test_a_fact_that_does_not_fit_is_a_failed_attempt() -> None:
    report = await done(call("wrap", facts={"asked": {"key": []}}))
    assert report.kind == "failed"
    assert "key" in report.reason


async def test_what_does_not_fit_is_told_field_by_field_and_never_by_its_value() -> None:
    report = await done(call("wrap", facts={"asked": {"key": 12345}}))
    assert report.reason == "ValidationError: key: Input should be a valid string"


async def test_a_reason_is_cut_to_what_history_should_keep() -> None:
    report = await done(call("wrap", facts={"asked": {"key": {"x": "y" * 10_000}}}))
    assert len(report.reason) <= MAX_REASON


async def test_a_refusal_is_cut_too_and_an_undo_reports_nothing_that_nobody_keeps() -> None:
    def refuse(command):
        return reply_to(command, "rejected", reason="x" * 2_000, code="y" * 2_000)

    refused = await done(call("take"), FakeCourier(answers=refuse))
    assert (len(refused.reason), len(refused.code)) == (MAX_REASON, MAX_CODE)
    assert (await done(replace(call("carve"), direction="undo", undoes="k"))).result is None


@action(brief=True)
async def find(asked: Asked, ctx: ActionContext) -> Wrapped:
    FOUND.append(ctx.undoes)
    match asked.how, len(FOUND):
        case ("at the third", 3):
            return Wrapped(paper="found")
        case ("never done", _):
            raise Rejected("there is none")
        case ("no port", _):
            ctx.get(dict)
        case ("not yet known", 2):
            return Wrapped(paper="found")
        case ("not yet known", _):
            raise Rejected("ask again", retryable=True)
        case _:
            pass
    raise ConnectionError("away")


FOUND: list[str] = []
PROBED = Saga("probed", step(wrap, undo=unwrap, probe=find), starts_on=Asked, key="key", version=1)


@pytest.mark.parametrize(
    ("how", "patience", "kind", "asked"),
    [
        ("at the third", 5.0, "ok", 3),
        ("not yet known", 5.0, "ok", 2),
        ("never done", 5.0, "refused", 1),
        ("no port", 5.0, "failed", 1),
        ("always away", 0.3, "failed", 2),
        ("always away", 0.1, "failed", 1),
    ],
)
async def test_a_probe_is_asked_again_until_its_time_is_up_or_it_says_something(how, patience, kind, asked) -> None:
    """One outage of a second would else park a pivot for a person, or undo what was done."""
    FOUND.clear()
    (leaf,) = leaves(PROBED.plan.root)
    assert isinstance(leaf, StepPlan)
    assert leaf.probe is not None
    made = replace(call("wrap", how=how), call=leaf.probe, direction="probe", undoes="fetch:1:wrap:do:1")
    stage_ = Stage(handlers=Handlers.of([PROBED.handlers]), courier=FakeCourier())
    report = await perform(stage_, scene(made, patience=patience))
    assert (report.kind, report.direction, len(FOUND)) == (kind, "probe", asked)
    assert set(FOUND) == {"fetch:1:wrap:do:1"}


async def test_only_a_probe_is_asked_again_here() -> None:
    FOUND.clear()
    (leaf,) = leaves(PROBED.plan.root)
    assert isinstance(leaf, StepPlan)
    assert leaf.probe is not None
    made = replace(call("wrap", how="always away"), call=leaf.probe)
    stage_ = Stage(handlers=Handlers.of([PROBED.handlers]), courier=FakeCourier())
    assert (await perform(stage_, scene(made))).kind == "failed"
    assert len(FOUND) == 1


async def test_a_port_that_the_worker_does_not_have_fails_for_good() -> None:
    """Another attempt on the same worker would find the same."""
    bell = Saga("bell", step(ring, no_undo="a sound"), starts_on=Asked, key="key", version=1)
    (leaf,) = leaves(bell.plan.root)
    assert isinstance(leaf, StepPlan)
    made = call("wrap", step="ring", call=leaf.do)
    report = await perform(Stage(handlers=Handlers.of([bell.handlers]), courier=FakeCourier()), scene(made))
    assert (report.kind, report.retryable) == ("failed", False)
    assert "dict" in report.reason


async def test_a_step_without_code_here_is_stalled_and_not_begun() -> None:
    plan = call("wrap").call.model_copy(update={"handler": "fetch.wrap@9"})
    report = await done(call("wrap", call=plan))
    assert report.kind == "stalled"
    assert "fetch.wrap@9" in report.reason


async def test_an_event_carries_an_id_derived_from_its_step_so_that_a_repeat_is_recognised() -> None:
    courier = FakeCourier()
    for _ in range(2):
        assert (await done(call("tell", facts={"got": {"what": "tea"}}), courier)).kind == "ok"
    first, second = courier.published
    assert first.id == second.id == short_hash("fetch:1:tell:do:1")
    assert (first.type, first.body, first.source) == ("told", b'{"what":"tea"}', "saga-orchestrator/fetch")
    assert (first.correlation_id, first.causation_id, first.traceparent) == ("thread", "m1", THREAD.traceparent)


async def test_an_event_that_the_broker_does_not_take_is_tried_again_by_policy() -> None:
    report = await done(call("tell", facts={"got": {"what": "tea"}}), FakeCourier(broken=True))
    assert (report.kind, report.retryable, report.reason) == ("failed", True, "the broker is away")


async def test_a_command_says_what_it_is_and_its_reply_is_the_result() -> None:
    courier = FakeCourier()
    before = datetime.now(UTC)
    report = await done(call("take", within_ms=30_000), courier)
    assert (report.kind, report.result) == ("ok", {"what": "tea"})
    (sent,) = courier.sent
    headers = read_command(sent)
    assert (headers.execution, headers.workflow) == ("fetch:1", "fetch:1/undo")
    assert (headers.step, headers.direction, headers.key, headers.undoes) == ("take", "do", "fetch:1:take:do:1", "")
    assert sent.id == headers.command_id
    assert headers.deadline is not None
    assert timedelta(seconds=29) < headers.deadline - before < timedelta(seconds=31)


async def test_an_undo_names_the_key_of_what_it_undoes_and_needs_no_body_in_its_reply() -> None:
    courier = FakeCourier(answers=lambda command: reply_to(command, body=b"null"))
    report = await done(call("take", "undo"), courier)
    assert (report.kind, report.result) == ("ok", None)
    assert read_command(courier.sent[0]).undoes == "fetch:1:take:do:1"


async def test_a_resend_is_the_same_command_with_the_same_deadline() -> None:
    courier = FakeCourier()
    await done(call("take", deadline_ms=1_900_000_000_123), courier)
    await done(call("take", deadline_ms=1_900_000_000_123), courier)
    first, second = (read_command(sent) for sent in courier.sent)
    assert first == second
    assert first.deadline == datetime.fromtimestamp(1_900_000_000.123, UTC)


@pytest.mark.parametrize(
    ("outcome", "more", "kind", "retryable"),
    [
        ("rejected", {"code": "no", "reason": "not that"}, "refused", False),
        ("failed", {"reason": "later", "retryable": True}, "failed", True),
        ("failed", {"reason": "expired", "retryable": False}, "failed", False),
    ],
)
async def test_what_a_participant_answers_is_reported(outcome, more, kind, retryable) -> None:
    courier = FakeCourier(answers=lambda command: reply_to(command, outcome, **more))
    report = await done(call("take"), courier)
    assert (report.kind, report.retryable) == (kind, retryable)
    assert (report.code, report.reason) == (more.get("code", ""), more["reason"])


async def test_a_reply_that_does_not_fit_its_type_leaves_the_outcome_unknown() -> None:
    """Not retryable: the same key would be answered the same."""
    courier = FakeCourier(answers=lambda command: reply_to(command, body=b'{"what": 1}'))
    report = await done(call("take"), courier)
    assert (report.kind, report.retryable) == ("failed", False)
    assert "the reply to take" in report.reason
    assert "what" in report.reason


@pytest.mark.parametrize(
    "courier", [FakeCourier(answers=lambda _: None), FakeCourier(broken=True)], ids=["silent", "away"]
)
async def test_a_command_without_an_answer_or_not_even_sent_is_pending_until_its_deadline(courier) -> None:
    report = await done(call("take", deadline_ms=1_900_000_000_123), courier, patience=0.01)
    assert (report.kind, report.deadline_ms) == ("pending", 1_900_000_000_123)
    assert courier.waiting == {courier.sent[0].id if courier.sent else next(iter(courier.waiting)): []}


async def test_a_cancelled_attempt_is_not_turned_into_a_report() -> None:
    task = asyncio.create_task(done(call("wrap", how="hang")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_watch_counts_from_a_moment_in_the_past_and_never_from_the_future() -> None:
    now = datetime.now(UTC)
    assert 60 <= Watch(now - timedelta(minutes=1)).elapsed() < 90
    assert 0 <= Watch(now + timedelta(minutes=1)).elapsed() < 30


async def test_the_thread_of_a_scene_travels_in_the_command() -> None:
    courier = FakeCourier()
    made = replace(scene(call("take")), thread=replace(THREAD, tracestate="a=1"))
    await perform(stage(courier), made)
    sent = courier.sent[0]
    assert (sent.correlation_id, sent.causation_id, sent.tracestate) == ("thread", "m1", "a=1")


@pytest.mark.parametrize(("is_copy", "kind"), [(False, "stalled"), (True, "pending")])
async def test_a_held_command_is_not_sent_and_only_a_first_one_counts_as_not_begun(is_copy, kind) -> None:
    courier = FakeCourier()
    held = replace(stage(courier), why_held=lambda name: f"commands of {name} are held")
    made = call("take", deadline_ms=7)
    report = await perform(held, replace(scene(made), is_copy=is_copy))
    assert (report.kind, report.reason) == (kind, f"commands of {made.call.participant} are held")
    assert report.deadline_ms == (7 if is_copy else 0)
    assert courier.sent == []


@pytest.mark.parametrize(("is_copy", "number"), [(False, 0), (True, 1)])
async def test_a_command_that_is_sent_again_is_counted(is_copy, number) -> None:
    meter = Meter()
    counting = replace(stage(FakeCourier()), meter=meter)
    await perform(counting, replace(scene(call("take")), is_copy=is_copy))
    assert meter.counted["saga.commands.resent", "fetch", "take", "do"] == number
