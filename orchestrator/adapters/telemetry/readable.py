"""Our spans as those of the OpenTelemetry SDK, which its processors and exporters take.

They are made whole, when the work is over: the SDK's own tracer could neither take an id that was derived nor tell of
what happened before.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from orchestrator.adapters.telemetry.semantic import SCHEMA_URL, attributes_of
from orchestrator.messages import is_traceparent

if TYPE_CHECKING:
    from orchestrator.service.spans import Span

SAMPLED = TraceFlags(TraceFlags.SAMPLED)
KINDS = {"internal": SpanKind.INTERNAL, "producer": SpanKind.PRODUCER, "consumer": SpanKind.CONSUMER}
UNSET, ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
SCOPE = InstrumentationScope("saga-orchestrator", version("saga-orchestrator"), SCHEMA_URL)


def resource_of(service: str, environment: str) -> Resource:
    """Who makes spans: this process, in the words of the conventions; OTEL_RESOURCE_ATTRIBUTES adds to it."""
    named = {"service.namespace": "saga", "service.name": service}
    return Resource.create({**named, "deployment.environment.name": environment} if environment else named)


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """The span, as the SDK has it."""
    trace_id = int(span.trace_id, 16)
    return ReadableSpan(
        name=span.name,
        context=_context(trace_id, span.span_id),
        parent=_context(trace_id, span.parent_id) if span.parent_id else None,
        resource=resource,
        attributes=attributes_of(span),
        links=(Link(context_of(span.link)),) if is_traceparent(span.link) else (),
        kind=KINDS[span.kind],
        status=ERROR if span.error else UNSET,
        start_time=span.began_ns,
        end_time=max(span.began_ns, span.ended_ns),
        instrumentation_scope=SCOPE,
    )


def context_of(traceparent: str) -> SpanContext:
    """What a W3C trace context of version 00 names."""
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _context(trace_id: int, span_id: str) -> SpanContext:
    return SpanContext(trace_id, int(span_id, 16), is_remote=False, trace_flags=SAMPLED)
