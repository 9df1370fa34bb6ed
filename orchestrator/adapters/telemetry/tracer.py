"""The way of spans out of this process, over the OpenTelemetry SDK. Implements `service.spans.Tracer`."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import baggage as bags
from opentelemetry import context as contexts
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from orchestrator.adapters.telemetry.counted import CountedExporter
from orchestrator.adapters.telemetry.readable import context_of, readable

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter

    from orchestrator.service.spans import Span

ALLOWED = ("saga.id", "correlation.id")
"""Baggage that is passed on; anybody may have put anything else into it."""
DELAY_MS = 500
QUEUE = 20_000
BATCH = 512


class OtelTracer:
    """Hands spans to exporters, in batches and in a thread of their own.

    Args:
        resource: who makes them.
        exporter: where they go. `is_file`: it is quick, and what it was given is safe when it returns.
    """

    def __init__(self, resource: Resource, exporter: SpanExporter, *, is_file: bool) -> None:
        self._resource = resource
        self._exporter = CountedExporter(exporter)
        self._is_file = is_file
        self._given = self._stored = 0
        self._processor = BatchSpanProcessor(
            self._exporter, max_queue_size=QUEUE, schedule_delay_millis=DELAY_MS, max_export_batch_size=BATCH
        )

    @property
    def dropped(self) -> int:
        """Spans that were not kept."""
        return self._exporter.dropped

    def give(self, span: Span) -> None:
        """Take a span; it goes out with the next batch. If too many wait, because nobody takes them, it is dropped."""
        if self._given - (self._exporter.taken - self._stored) >= QUEUE:
            self._exporter.drop()
            return
        self._given += 1
        self._processor.on_end(readable(span, self._resource))

    async def store(self, spans: Sequence[Span]) -> None:
        """Into the file at once; to other places with the next batch."""
        if self._is_file:
            await asyncio.to_thread(self._exporter.export, [readable(one, self._resource) for one in spans])
            self._stored += len(spans)
        else:
            for one in spans:
                self.give(one)

    @contextmanager
    def current(self, traceparent: str, baggage: str) -> Generator[None]:
        """Make it the current context, with the baggage that is allowed and no other."""
        context = set_span_in_context(NonRecordingSpan(context_of(traceparent)), contexts.Context())
        told = bags.get_all(W3CBaggagePropagator().extract({"baggage": baggage}))
        for name in ALLOWED:
            if name in told:
                context = bags.set_baggage(name, told[name], context)
        token = contexts.attach(context)
        try:
            yield
        finally:
            contexts.detach(token)

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._processor.shutdown)
