"""Ports that tell of every message and every attempt that passes them, as spans. They change nothing about it.

Attempts are told where snapshots leave for the ledger, not where they are performed: only the journal knows how an
attempt ended whose worker died or whose reply came late, it is handed over never while replaying, and again by
whoever goes on after a crash. Spans are stored before the ledger has the journal, so what the ledger knows was told.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.contracts.protocol import ATTEMPT, DIRECTION, EXECUTION, STEP
from orchestrator.service.attempts import end_of
from orchestrator.service.ports import Delivery
from orchestrator.service.spans import AttemptId, Passed, Span, baggage_of, passed, span_of, told_of
from orchestrator.service.timing import AttemptTimes

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime

    from orchestrator.contracts.protocol import Reply
    from orchestrator.messages import Envelope
    from orchestrator.saga.plan import Plan
    from orchestrator.service.ports import Courier, Executions, LedgerWriter
    from orchestrator.service.records import MessageRecord, Snapshot
    from orchestrator.service.spans import Place, Tracer, Traces

ACCEPTED = {Delivery.STARTED: "started", Delivery.ACCEPTED: "accepted", Delivery.DUPLICATE: "duplicate"}
REPLIED = {"completed": "ok", "rejected": "rejected", "failed": "unknown"}
NOT_WELL = ("rejected", "unknown")
MOST = 20_000
"""Spans whose ids are remembered."""


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Where messages go, as spans name it."""

    commands: str
    events: str
    replies: str


@dataclass(frozen=True, slots=True)
class Tracing:
    """What all that is traced in one process shares.

    Attributes:
        times: when attempts were performed here.
        told: spans of the journal that were stored: rank, revision and outcome of what was told last.
    """

    tracer: Tracer
    traces: Traces
    exchanges: Exchanges
    times: AttemptTimes = field(default_factory=AttemptTimes)
    told: OrderedDict[str, tuple[int, int, str]] = field(default_factory=OrderedDict[str, tuple[int, int, str]])

    @contextmanager
    def attempt(self, one: AttemptId, correlation_id: str) -> Generator[Callable[[bool], None]]:
        """Around the performing of an attempt; is told whether its outcome is known."""
        place = self.traces.of(one.execution_id)
        context = place.traceparent(place.attempt(one))
        with (
            self.times.attempt(one) as end,
            self.tracer.current(context, baggage_of(one.execution_id, correlation_id)),
        ):
            yield end

    def is_news(self, span: Span) -> bool:
        """Whether this was not told yet.

        A later end of an attempt is news, unless the engine ignores it; and so is another one that its repeat came to,
        when the attempt to which it was told first was lost.
        """
        said = (span.revision, span.outcome)
        known = self.told.get(span.span_id)
        if known is not None and (span.ignored or said == known[1:] or span.rank < known[0]):
            return False
        self.told[span.span_id] = (span.rank, *said)
        if len(self.told) > MOST:
            self.told.popitem(last=False)
        return True


class TracingCourier:
    """A courier whose messages carry the execution's trace. Implements `service.ports.Courier`."""

    def __init__(self, courier: Courier, tracing: Tracing) -> None:
        self._courier = courier
        self._tracing = tracing
        self._threads: dict[str, str] = {}

    @property
    def reply_to(self) -> str:
        """As the courier says."""
        return self._courier.reply_to

    async def send(self, command: Envelope) -> None:
        """Send a command in a span of its own, which the participant's becomes a child of."""
        if command.id in self._threads:
            self._threads[command.id] = command.correlation_id
        await self._sent(command, self._tracing.exchanges.commands, self._courier.send)

    async def publish(self, event: Envelope) -> None:
        """Publish an event; what it starts elsewhere links to this span."""
        await self._sent(event, self._tracing.exchanges.events, self._courier.publish)

    async def park(self, event: Envelope, *, code: str, reason: str) -> None:
        """Park an event as it came."""
        await self._courier.park(event, code=code, reason=reason)

    @contextmanager
    def expect(self, command_id: str) -> Generator[asyncio.Future[Reply]]:
        """A future for a reply, which is told of when it comes."""
        self._threads[command_id] = ""
        try:
            with self._courier.expect(command_id) as answer:
                answer.add_done_callback(self._note)
                yield answer
        finally:
            self._threads.pop(command_id, None)

    async def _sent(self, envelope: Envelope, exchange: str, send: Callable[[Envelope], Any]) -> None:
        one = act_of(envelope)
        place = self._tracing.traces.of(one.execution_id)
        span_id = secrets.token_hex(8)
        headers = {**envelope.headers, "baggage": baggage_of(one.execution_id, envelope.correlation_id)}
        began, error = time.time_ns(), "cancelled"
        try:
            await send(replace(envelope, traceparent=place.traceparent(span_id), tracestate="", headers=headers))
            error = ""
        except Exception as fault:
            error = type(fault).__name__
            raise
        finally:
            if place.is_kept:
                said = {"span_id": span_id, "began_ns": began, "ended_ns": time.time_ns(), "error": error}
                self._tracing.tracer.give(_sending(place, one, envelope, exchange, said))

    def _note(self, answer: asyncio.Future[Reply]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            reply = answer.result()
            _tell_of_reply(self._tracing, reply, reply.correlation_id or self._threads.get(reply.command_id, ""))


class TracingExecutions:
    """Executions whose accepted events and late replies are told of. Implements `service.ports.Executions`."""

    def __init__(self, executions: Executions, tracing: Tracing) -> None:
        self._executions = executions
        self._tracing = tracing

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        """Start; the acceptance of the trigger is the root of the execution's trace."""
        began = time.time_ns()
        delivery = await self._executions.start(plan, execution_id, trigger, payload)
        self._accepted(delivery, execution_id, trigger, began)
        return delivery

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        """Deliver."""
        began = time.time_ns()
        delivery = await self._executions.deliver(execution_id, event, payload)
        self._accepted(delivery, execution_id, event, began)
        return delivery

    async def answer(self, reply: Reply) -> Delivery:
        """Hand over a late reply."""
        delivery = await self._executions.answer(reply)
        if delivery in ACCEPTED:
            _tell_of_reply(self._tracing, reply, reply.correlation_id)
        return delivery

    async def is_available(self) -> bool:
        """As the engine says."""
        return await self._executions.is_available()

    def _accepted(self, delivery: Delivery, execution_id: str, event: Envelope, began: int) -> None:
        place = self._tracing.traces.of(execution_id)
        if delivery not in ACCEPTED or not place.is_kept:
            return
        is_root = delivery is Delivery.STARTED
        events = self._tracing.exchanges.events
        span = span_of(
            place,
            AttemptId(execution_id, "", "", 0),
            event.correlation_id or execution_id,  # the rule by which the execution takes its own
            name=f"process {events}",
            kind="consumer",
            span_id=place.root if is_root else secrets.token_hex(8),
            parent_id="" if is_root else place.root,
            link=event.traceparent,
            began_ns=began,
            ended_ns=time.time_ns(),
            outcome=ACCEPTED[delivery],
            message=passed("process", events, event),
        )
        self._tracing.tracer.give(span)


class TracingLedger:
    """A ledger whose journals are told as spans. Implements `service.ports.LedgerWriter`."""

    def __init__(self, writer: LedgerWriter, tracing: Tracing) -> None:
        self._writer = writer
        self._tracing = tracing

    async def write(self, snapshots: Sequence[Snapshot], messages: Sequence[MessageRecord] = ()) -> int:
        """Store the spans, then write."""
        spans = [span for snapshot in snapshots for span in self._spans(snapshot)]
        if spans:
            await self._tracing.tracer.store(spans)
        return await self._writer.write(snapshots, messages)

    async def mark_stale(self, since: datetime, until: datetime) -> None:
        """As the ledger does."""
        await self._writer.mark_stale(since, until)

    def _spans(self, snapshot: Snapshot) -> Iterator[Span]:
        place = self._tracing.traces.of(snapshot.execution_id)
        if not (place.is_kept or _went_wrong(snapshot)):
            return
        for entry in snapshot.told:
            span = told_of(entry, snapshot, place)
            if span is not None and self._tracing.is_news(span):
                yield self._timed(span)

    def _timed(self, span: Span) -> Span:
        """With the times of its performing, if that was here; else all that is known is when the engine was told."""
        times = self._tracing.times.take(AttemptId(span.execution_id, span.step, span.direction, span.attempt))
        if times is None:
            return span
        return replace(span, began_ns=times.began_ns, ended_ns=times.until(span.ended_ns))


def _went_wrong(snapshot: Snapshot) -> bool:
    """What was not begun as kept is kept all the same: an attempt did not succeed, or follows one, or it is undone."""
    is_undone = snapshot.execution.state.abort is not None
    return is_undone or any(entry.attempt > 1 or end_of(entry) in NOT_WELL for entry in snapshot.told)


def _sending(place: Place, one: AttemptId, envelope: Envelope, exchange: str, said: dict[str, Any]) -> Span:
    return span_of(
        place,
        one,
        envelope.correlation_id,
        name=f"send {exchange}",
        kind="producer",
        parent_id=place.attempt(one) if one.step else place.root,
        outcome="unknown" if said["error"] else "ok",
        message=passed("send", exchange, envelope),
        **said,
    )


def _tell_of_reply(tracing: Tracing, reply: Reply, correlation_id: str) -> None:
    place = tracing.traces.of(reply.execution)
    if not place.is_kept:
        return
    now, replies = time.time_ns(), tracing.exchanges.replies
    one = AttemptId(reply.execution, reply.step, reply.direction, reply.attempt)
    outcome, message_id = REPLIED[reply.outcome], reply.message_id or reply.command_id
    span = span_of(
        place,
        one,
        correlation_id,
        name=f"receive {replies}",
        kind="consumer",
        span_id=secrets.token_hex(8),
        parent_id=place.attempt(one),
        link=reply.traceparent,
        began_ns=now,
        ended_ns=now,
        outcome=outcome,
        error="" if outcome == "ok" else reply.code or "failed",
        message=Passed(
            operation="receive", destination=replies, routing_key="", message_id=message_id, size=len(reply.body)
        ),
    )
    tracing.tracer.give(span)


def act_of(envelope: Envelope) -> AttemptId:
    """Which attempt sends a message, or has sent it: empty where it does not say, or says nonsense."""
    headers = envelope.headers
    number = headers.get(ATTEMPT, "")
    return AttemptId(
        headers.get(EXECUTION, ""),
        headers.get(STEP, ""),
        headers.get(DIRECTION, ""),
        int(number) if number.isascii() and number.isdigit() else 0,
    )
