"""Messages and attempts that pass the ports are told as spans, and carry the trace."""

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.contracts.protocol import CommandHeaders
from orchestrator.engine.signals import Failed
from orchestrator.errors import PublishError
from orchestrator.service.ports import Delivery
from orchestrator.service.spans import AttemptId, Traces
from orchestrator.service.tracing import Exchanges, Tracing, TracingCourier, TracingExecutions, TracingLedger
from tests.ledger_kit import COMPENSATED, COMPLETED, PLANS, RUNNING, snapshot
from tests.unit.service.test_recording import COMMAND, EVENT, REPLY, Courier, Executions

PLACE = Traces("test").of("shop:1")
SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class HandTracer:
    dropped = 0

    def __init__(self):
        self.spans = []
        self.stored = []
        self.contexts = []

    def give(self, span):
        self.spans.append(span)

    async def store(self, spans):
        self.stored.extend(spans)

    @contextmanager
    def current(self, traceparent, baggage):
        self.contexts.append((traceparent, baggage))
        yield


def traced(ratio: float = 1.0):
    tracer = HandTracer()
    return Tracing(tracer, Traces("test", ratio), Exchanges("saga.commands", "saga.events", "saga.replies")), tracer


def courier_of(courier: Any, tracing: Tracing) -> TracingCourier:
    return TracingCourier(courier, tracing)


def executions_of(executions: Any, tracing: Tracing) -> TracingExecutions:
    return TracingExecutions(executions, tracing)


class SeeingCourier(Courier):
    def __init__(self, fault=None):
        super().__init__(fault)
        self.sent = []

    async def send(self, command):
        await super().send(command)
        self.sent.append(command)

    publish = send


async def test_a_command_is_sent_in_a_span_of_its_attempt_and_carries_it() -> None:
    tracing, tracer = traced()
    inner = SeeingCourier()
    await courier_of(inner, tracing).send(replace(COMMAND, correlation_id="thread", tracestate="theirs=1"))
    (span,), (sent,) = tracer.spans, inner.sent
    assert (span.name, span.kind, span.message.operation) == ("send saga.commands", "producer", "send")
    assert span.parent_id == PLACE.attempt(AttemptId("shop:1", "pay", "undo", 2))
    assert (span.step, span.direction, span.attempt, span.outcome) == ("pay", "undo", 2, "ok")
    assert (span.execution_id, span.correlation_id) == ("shop:1", "thread")
    assert sent.traceparent == f"00-{PLACE.trace_id}-{span.span_id}-01"
    assert sent.tracestate == ""
    assert sent.headers["baggage"] == "saga.id=shop:1,correlation.id=thread"


async def test_a_command_that_is_not_sent_is_told_with_the_error_and_raised() -> None:
    tracing, tracer = traced()
    with pytest.raises(PublishError):
        await courier_of(SeeingCourier(PublishError("away")), tracing).send(COMMAND)
    assert [(one.outcome, one.error) for one in tracer.spans] == [("unknown", "PublishError")]


async def test_of_an_execution_that_is_not_kept_nothing_is_told_and_participants_are_told_so() -> None:
    tracing, tracer = traced(ratio=0.0)
    inner = SeeingCourier()
    await courier_of(inner, tracing).send(COMMAND)
    await executions_of(Executions(Delivery.STARTED), tracing).start(PLANS["shop"], "shop:1", EVENT, None)
    await TracingLedger(Writer(), tracing).write([snapshot("1", COMPLETED)])
    assert inner.sent[0].traceparent.endswith("-00")
    assert tracer.spans == tracer.stored == []


async def test_a_reply_is_told_where_it_is_waited_for_and_links_to_the_participants_work() -> None:
    tracing, tracer = traced()
    inner = SeeingCourier()
    courier = courier_of(inner, tracing)
    with courier.expect("c1"):
        await courier.send(replace(COMMAND, id="c1", correlation_id="thread"))
        inner.answer.set_result(replace(REPLY, traceparent=SENDER))
        await asyncio.sleep(0)
    span = tracer.spans[-1]
    assert (span.name, span.outcome, span.link) == ("receive saga.replies", "ok", SENDER)
    assert span.parent_id == PLACE.attempt(AttemptId("shop:1", "pay", "do", 1))
    assert span.correlation_id == "thread"  # of the command: a foreign participant need not repeat it


async def test_a_late_reply_is_told_with_what_it_says() -> None:
    tracing, tracer = traced()
    late = replace(REPLY, outcome="rejected", code="declined", correlation_id="thread")
    assert await executions_of(Executions(Delivery.ACCEPTED), tracing).answer(late) is Delivery.ACCEPTED
    assert [(one.outcome, one.error, one.correlation_id) for one in tracer.spans] == [
        ("rejected", "declined", "thread")
    ]


async def test_the_trigger_is_the_root_and_links_to_its_sender() -> None:
    tracing, tracer = traced()
    event = replace(EVENT, traceparent=SENDER)
    await executions_of(Executions(Delivery.STARTED), tracing).start(PLANS["shop"], "shop:1", event, None)
    (root,) = tracer.spans
    assert (root.trace_id, root.span_id, root.parent_id, root.link) == (PLACE.trace_id, PLACE.root, "", SENDER)
    assert (root.outcome, root.correlation_id, root.message.routing_key) == ("started", "thread", "placed")


async def test_a_later_event_hangs_from_the_root_and_links_to_its_sender() -> None:
    tracing, tracer = traced()
    event = replace(EVENT, traceparent=SENDER, correlation_id="")
    await executions_of(Executions(Delivery.ACCEPTED), tracing).deliver("shop:1", event, None)
    (span,) = tracer.spans
    assert (span.parent_id, span.link, span.outcome) == (PLACE.root, SENDER, "accepted")
    assert span.correlation_id == "shop:1"


@pytest.mark.parametrize("delivery", [Delivery.MISSING, Delivery.ENDED, Delivery.HELD, Delivery.CONFLICT])
async def test_an_event_that_was_not_accepted_is_not_told(delivery) -> None:
    tracing, tracer = traced()
    await executions_of(Executions(delivery), tracing).deliver("shop:1", EVENT, None)
    assert tracer.spans == []


class Writer:
    def __init__(self, tracer=None):
        self.tracer = tracer
        self.told_before = None

    async def write(self, snapshots, messages=()):
        self.told_before = len(self.tracer.stored) if self.tracer else None
        return len(snapshots)

    async def mark_stale(self, since, until):
        self.since = since


def attempts(tracer):
    return [(one.revision, one.step, one.direction, one.attempt, one.outcome) for one in tracer.stored]


async def test_attempts_are_stored_before_the_ledger_has_their_journal() -> None:
    tracing, tracer = traced()
    writer = Writer(tracer)
    await TracingLedger(writer, tracing).write([snapshot("1", COMPENSATED)])
    assert attempts(tracer) == [
        (2, "reserve", "do", 1, "ok"),
        (3, "charge", "do", 1, "rejected"),
        (4, "reserve", "undo", 1, "ok"),
    ]
    assert writer.told_before == 3


async def test_what_a_write_that_is_repeated_tells_is_told_once() -> None:
    tracing, tracer = traced()
    ledger = TracingLedger(Writer(), tracing)
    await ledger.write([snapshot("1", COMPENSATED)])
    await ledger.write([snapshot("1", COMPENSATED)])
    assert len(tracer.stored) == 3


async def test_an_outcome_that_was_ignored_is_no_news_about_an_attempt_that_was_told() -> None:
    tracing, tracer = traced()
    found = snapshot("1", COMPENSATED)
    late = replace(found.journal[1], revision=9, ignored="it has its outcome")
    await TracingLedger(Writer(), tracing).write([replace(found, journal=(*found.journal, late))])
    assert len(tracer.stored) == 3


async def test_an_attempt_that_was_ignored_first_is_told_again_when_it_counts() -> None:
    tracing, tracer = traced()
    found = snapshot("1", COMPENSATED)
    early = replace(found.journal[1], revision=1, ignored="too early")
    await TracingLedger(Writer(), tracing).write([replace(found, journal=(early, found.journal[1]))])
    assert [one.ignored for one in tracer.stored] == ["too early", ""]


@pytest.mark.parametrize(("is_known", "ends_with_the_performing"), [(True, True), (False, False)])
async def test_an_attempt_has_the_times_of_its_performing(is_known, ends_with_the_performing) -> None:
    tracing, tracer = traced()
    one = AttemptId("shop:1", "reserve", "do", 1)
    with tracing.attempt(one, "thread") as tell:
        tell(is_known)
    began, ended, _ = tracing.times._times[one]
    found = snapshot("1", COMPENSATED)
    later_ms = ended // 1_000_000 + 5_000
    await TracingLedger(Writer(), tracing).write([replace(found, journal=(replace(found.journal[1], at_ms=later_ms),))])
    (span,) = tracer.stored
    assert span.began_ns == began
    assert span.ended_ns == (ended if ends_with_the_performing else later_ms * 1_000_000)
    assert tracer.contexts == [(PLACE.traceparent(PLACE.attempt(one)), "saga.id=shop:1,correlation.id=thread")]
    assert (tracing.times.take(one) is None) is is_known


async def test_an_attempt_that_ends_twice_is_told_twice_with_one_begin_and_the_later_end_counts() -> None:
    tracing, tracer = traced()
    one = AttemptId("shop:1", "reserve", "do", 1)
    with tracing.attempt(one, "thread") as tell:
        tell(False)
    began, ended, _ = tracing.times._times[one]
    found, late_ms = snapshot("1", COMPENSATED), ended // 1_000_000 + 5_000
    success = found.journal[1]
    timeout = replace(success, kind="Elapsed", revision=success.revision, at_ms=ended // 1_000_000)
    late = replace(success, revision=success.revision + 1, at_ms=late_ms)
    await TracingLedger(Writer(), tracing).write([replace(found, journal=(timeout, late))])
    assert [(span.outcome, span.began_ns) for span in tracer.stored] == [("unknown", began), ("ok", began)]
    assert tracer.stored[1].ended_ns == late_ms * 1_000_000


def test_a_header_of_nonsense_is_no_attempt_number() -> None:
    from orchestrator.service.tracing import act_of

    headers = CommandHeaders(execution="shop:1", workflow="w", step="pay", direction="do", attempt=1, key="k")
    assert act_of(replace(COMMAND, headers={**headers.to_headers(), "saga-attempt": "²"})).number == 0


async def test_what_a_lost_attempt_told_is_put_right_by_its_repeat() -> None:
    """Another outcome at an earlier place of the journal, from a longer history; the same from a shorter one is old."""
    tracing, tracer = traced()
    ledger = TracingLedger(Writer(), tracing)
    found = snapshot("1", COMPENSATED)
    line = found.journal[1]
    lost = replace(found, journal=(replace(line, revision=3),), position=replace(found.position, history=10))
    repeat = replace(found, journal=(replace(line, kind="Failed"),), position=replace(found.position, history=14))
    for one in (lost, lost, repeat, repeat, lost):
        await ledger.write([one])
    assert [(one.revision, one.outcome) for one in tracer.stored] == [(3, "ok"), (2, "unknown")]
    assert tracer.stored[0].rank < tracer.stored[1].rank


async def test_of_a_journal_that_was_told_twice_the_later_lines_are_true_and_none_is_behind_its_end() -> None:
    tracing, tracer = traced()
    found = snapshot("1", COMPENSATED)
    began, stock, refusal, undo = found.journal
    lost = (replace(refusal, kind="Succeeded"), replace(undo, step="charge", direction="do", attempt=2))
    told = replace(found, journal=(*lost, began, stock, refusal), position=replace(found.position, revision=3))
    await TracingLedger(Writer(), tracing).write([told])
    assert [(one.step, one.attempt, one.outcome) for one in tracer.stored] == [
        ("reserve", 1, "ok"),
        ("charge", 1, "rejected"),
    ]


async def test_of_an_execution_that_is_not_kept_it_is_told_what_goes_wrong_and_from_then_on() -> None:
    tracing, tracer = traced(ratio=0.0)
    ledger = TracingLedger(Writer(), tracing)
    await ledger.write([snapshot("1", RUNNING), snapshot("2", COMPLETED)])
    assert tracer.stored == []
    await ledger.write([snapshot("1", COMPENSATED, journal=snapshot("1", COMPENSATED).journal[2:])])
    assert [(one.step, one.direction, one.outcome) for one in tracer.stored] == [
        ("charge", "do", "rejected"),
        ("reserve", "undo", "ok"),
    ]
    failed = snapshot("3", (*RUNNING, Failed(step="charge", reason="busy")))
    await ledger.write([failed])
    assert tracer.stored[-1].outcome == "unknown"
    charged = next(one for one in snapshot("4", COMPLETED).journal if one.step == "charge" and one.kind == "Succeeded")
    await ledger.write([snapshot("4", COMPLETED, journal=(replace(charged, attempt=2),))])
    assert [(one.step, one.attempt, one.outcome) for one in tracer.stored[-1:]] == [("charge", 2, "ok")]
