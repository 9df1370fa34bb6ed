"""Every span that is not kept is counted, however it is lost."""

import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from orchestrator.adapters.telemetry import tracer as tracers
from orchestrator.adapters.telemetry.counted import CountedExporter
from orchestrator.adapters.telemetry.readable import readable
from orchestrator.adapters.telemetry.tracer import OtelTracer
from tests.unit.adapters.telemetry.test_otlp_json import ATTEMPT, RESOURCE, SEND

SPANS = [readable(ATTEMPT, RESOURCE), readable(SEND, RESOURCE)]


class Fickle(SpanExporter):
    """Keeps what it is told to keep."""

    def __init__(self) -> None:
        self.answer = SpanExportResult.SUCCESS
        self.is_broken = False
        self.is_shut = False

    def export(self, _):
        if self.is_broken:
            raise ConnectionError
        return self.answer

    def shutdown(self) -> None:
        self.is_shut = True


def test_what_is_kept_is_not_counted_and_what_is_refused_or_raised_is() -> None:
    fickle = Fickle()
    counted = CountedExporter(fickle)
    assert counted.export(SPANS) is SpanExportResult.SUCCESS
    assert (counted.taken, counted.dropped) == (2, 0)
    fickle.answer = SpanExportResult.FAILURE
    assert counted.export(SPANS) is SpanExportResult.FAILURE
    fickle.is_broken = True
    with pytest.raises(ConnectionError):
        counted.export(SPANS[:1])
    assert (counted.taken, counted.dropped) == (5, 3)
    counted.shutdown()
    assert fickle.is_shut


@pytest.mark.parametrize("is_file", [True, False])
async def test_a_tracer_tells_what_was_lost_on_each_way(is_file) -> None:
    fickle = Fickle()
    tracer = OtelTracer(RESOURCE, fickle, is_file=is_file)
    fickle.answer = SpanExportResult.FAILURE
    tracer.give(ATTEMPT)
    await tracer.store([SEND])
    await tracer.close()
    assert tracer.dropped == 2


class Slow(Fickle):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def export(self, _):
        self.go.wait()
        return self.answer


async def test_when_too_many_wait_the_newest_are_dropped_and_counted(monkeypatch) -> None:
    monkeypatch.setattr(tracers, "QUEUE", 3)
    monkeypatch.setattr(tracers, "BATCH", 2)
    slow = Slow()
    tracer = OtelTracer(RESOURCE, slow, is_file=False)
    for _ in range(5):
        tracer.give(ATTEMPT)
    assert tracer.dropped == 2
    slow.go.set()
    await tracer.close()
    assert tracer.dropped == 2


async def test_what_was_stored_at_once_does_not_wait_with_the_others(monkeypatch) -> None:
    monkeypatch.setattr(tracers, "QUEUE", 3)
    monkeypatch.setattr(tracers, "BATCH", 2)
    tracer = OtelTracer(RESOURCE, Fickle(), is_file=True)
    await tracer.store([SEND] * 9)
    for _ in range(3):
        tracer.give(ATTEMPT)
    assert tracer.dropped == 0
    await tracer.close()
