"""Ids that every process derives alike, and what journal entries tell."""

from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from orchestrator.engine.signals import (
    Arrived,
    Elapsed,
    Failed,
    Refused,
    RetryRequested,
    Signal,
    Stalled,
    Succeeded,
    Withdrawn,
)
from orchestrator.messages import is_traceparent
from orchestrator.service.snapshots import entry_of
from orchestrator.service.spans import AttemptId, Traces, baggage_of, told_of
from tests.ledger_kit import BEGIN, snapshot

TRACES = Traces("test")
PLACE = TRACES.of("shop:1")


def told(signal: Signal, ignored: str = "") -> Any:
    return told_of(entry_of(7, 1_000, signal, ignored), snapshot("1", correlation_id="thread"), PLACE)


def test_an_execution_has_the_same_trace_wherever_it_is_asked_for_and_no_other_has_it() -> None:
    assert Traces("test").of("shop:1") == PLACE
    others = {TRACES.of("shop:2").trace_id, Traces("live").of("shop:1").trace_id}
    assert len({PLACE.trace_id, *others}) == 3
    assert is_traceparent(PLACE.traceparent(PLACE.root))


def test_each_attempt_has_an_id_of_its_own() -> None:
    ones = [("a", "do", 1), ("a", "do", 2), ("a", "undo", 1), ("a", "probe", 1), ("b", "do", 1)]
    assert len({PLACE.root, *(PLACE.attempt(AttemptId("shop:1", *one)) for one in ones)}) == 6


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.5, 1.0])
def test_the_same_executions_are_kept_that_the_sampler_of_opentelemetry_keeps(ratio) -> None:
    sampler = TraceIdRatioBased(ratio)
    for number in range(500):
        place = Traces("test", ratio).of(f"shop:{number}")
        decided = sampler.should_sample(None, int(place.trace_id, 16), "").decision is Decision.RECORD_AND_SAMPLE
        assert place.is_kept is decided
        assert place.traceparent(place.root).endswith("01" if decided else "00")


@pytest.mark.parametrize(
    ("signal", "outcome", "error"),
    [
        (Succeeded(step="pay", attempt=2), "ok", ""),
        (Refused(step="pay", attempt=2, code="declined", reason="card 4242"), "rejected", "declined"),
        (Failed(step="pay", attempt=2, reason="card 4242"), "unknown", "failed"),
        (Elapsed("limit:do:2:pay"), "unknown", "timeout"),
    ],
)
def test_an_attempt_is_told_with_its_outcome_and_without_what_was_said(signal, outcome, error) -> None:
    span = told(signal)
    assert (span.name, span.step, span.direction, span.attempt) == ("do pay", "pay", "do", 2)
    assert (span.outcome, span.error, span.revision) == (outcome, error, 7)
    assert (span.saga, span.execution_id, span.correlation_id) == ("shop", "shop:1", "thread")
    assert (span.parent_id, span.span_id) == (PLACE.root, PLACE.attempt(AttemptId("shop:1", "pay", "do", 2)))
    assert "4242" not in repr(span)


@pytest.mark.parametrize(
    "signal", [BEGIN, Stalled(step="pay"), Withdrawn(step="pay"), Elapsed("wait:1:pay"), Arrived(BEGIN.trigger)]
)
def test_what_was_not_begun_and_what_is_no_attempt_is_not_told(signal) -> None:
    assert told(signal) is None


def test_a_persons_command_is_told_with_its_actor_once_by_its_id() -> None:
    asked = RetryRequested(command_id="c1", actor="ann", reason="stock is back", step="pay")
    span, refused = told(asked), told(asked, "nothing is stuck")
    assert (span.name, span.actor, span.outcome, span.step) == ("operator retry", "ann", "ok", "pay")
    assert (refused.outcome, refused.span_id) == ("refused", span.span_id)
    assert "stock is back" not in repr(span)


def test_baggage_holds_two_ids_written_so_that_no_text_ends_early() -> None:
    assert baggage_of("shop:1", "a,b=c") == "saga.id=shop:1,correlation.id=a%2Cb%3Dc"
