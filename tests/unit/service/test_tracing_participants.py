"""A participant's work is part of the trace that came with the command."""

from dataclasses import replace

import pytest

from orchestrator.contracts.protocol import refusal_of, reply_to
from orchestrator.errors import Rejected
from orchestrator.service.tracing_participants import handling
from tests.unit.service.test_recording import COMMAND
from tests.unit.service.test_tracing import SENDER, traced

CAME = replace(COMMAND, traceparent=SENDER, correlation_id="thread")


def test_it_hangs_from_what_sent_the_command_and_what_follows_hangs_from_it() -> None:
    tracing, tracer = traced()
    with handling(tracing, CAME, "saga.commands.p") as held:
        reply = reply_to(held.command, source="p", reply_type="done", body=b"1")
        held.answered(reply)
    (span,) = tracer.spans
    assert (span.trace_id, span.parent_id) == (SENDER[3:35], SENDER[36:52])
    assert (span.name, span.kind, span.outcome) == ("process saga.commands.p", "consumer", "ok")
    assert (span.step, span.direction, span.attempt) == ("pay", "undo", 2)
    assert (span.execution_id, span.correlation_id) == ("shop:1", "thread")
    assert reply.traceparent == f"00-{span.trace_id}-{span.span_id}-01"
    assert tracer.contexts == [(reply.traceparent, "saga.id=shop:1,correlation.id=thread")]


def test_a_refusal_is_told_by_its_code() -> None:
    tracing, tracer = traced()
    with handling(tracing, CAME, "q") as held:
        held.answered(refusal_of(held.command, source="p", rejected=Rejected("card 4242", code="declined")))
    assert [(one.outcome, one.error) for one in tracer.spans] == [("rejected", "declined")]
    assert "4242" not in repr(tracer.spans)


def test_one_that_is_turned_away_is_told_too() -> None:
    tracing, tracer = traced()
    with pytest.raises(LookupError), handling(tracing, CAME, "q"):
        raise LookupError
    assert [(one.outcome, one.error) for one in tracer.spans] == [("unknown", "refused")]


def test_whoever_began_the_trace_decides_whether_it_is_kept() -> None:
    tracing, tracer = traced()
    with handling(tracing, replace(CAME, traceparent=f"{SENDER[:-2]}00"), "q") as held:
        assert held.command.traceparent.endswith("-00")
    assert tracer.spans == []


def test_without_tracing_the_command_is_as_it_came() -> None:
    with handling(None, CAME, "q") as held:
        assert held.command is CAME
