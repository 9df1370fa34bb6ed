"""The way out of the process."""

from opentelemetry import baggage, trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orchestrator.adapters.telemetry.tracer import OtelTracer
from tests.unit.adapters.telemetry.test_otlp_json import ATTEMPT, RESOURCE, SEND, SENDER


async def test_what_was_given_goes_out_at_the_latest_when_it_closes() -> None:
    exporter = InMemorySpanExporter()
    tracer = OtelTracer(RESOURCE, exporter, is_file=False)
    tracer.give(ATTEMPT)
    await tracer.store([SEND])
    await tracer.close()
    assert [one.name for one in exporter.get_finished_spans()] == [ATTEMPT.name, SEND.name]


async def test_what_is_stored_is_in_a_file_when_that_returns() -> None:
    exporter = InMemorySpanExporter()
    tracer = OtelTracer(RESOURCE, exporter, is_file=True)
    await tracer.store([SEND])
    assert [one.name for one in exporter.get_finished_spans()] == [SEND.name]
    await tracer.close()


async def test_spans_of_other_libraries_belong_to_the_current_one_with_allowed_baggage_only() -> None:
    tracer = OtelTracer(RESOURCE, InMemorySpanExporter(), is_file=True)
    with tracer.current(SENDER, "saga.id=shop:1,correlation.id=a%2Cb,password=secret"):
        context = trace.get_current_span().get_span_context()
        assert format(context.trace_id, "032x") == SENDER[3:35]
        assert format(context.span_id, "016x") == SENDER[36:52]
        assert dict(baggage.get_all()) == {"saga.id": "shop:1", "correlation.id": "a,b"}
    assert not trace.get_current_span().get_span_context().is_valid
    assert not baggage.get_all()
    await tracer.close()
