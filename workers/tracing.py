"""The tracing of a process, by its settings."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.telemetry.files import SpanFiles
from orchestrator.adapters.telemetry.otlp import otlp_exporter
from orchestrator.adapters.telemetry.readable import resource_of
from orchestrator.adapters.telemetry.tracer import OtelTracer
from orchestrator.service.spans import Traces
from orchestrator.service.tracing import Exchanges, Tracing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from opentelemetry.sdk.trace.export import SpanExporter

    from orchestrator.adapters.temporal.performing import Around
    from orchestrator.service.spans import AttemptId
    from orchestrator.settings import Settings
    from workers.measuring import Measuring


@asynccontextmanager
async def open_tracing(settings: Settings, service: str) -> AsyncGenerator[Tracing | None]:
    """Tracing while the block runs; None, if it is off.

    Args:
        settings: whether, where to, and how many.
        service: what this process is, in spans.

    Raises:
        SettingsError: spans cannot go where they should.
    """
    if settings.traces == "off":
        yield None
        return
    is_file = settings.traces == "file"
    resource = resource_of(service, settings.trace_environment or "")
    tracer = OtelTracer(resource, _exporter(settings, service), is_file=is_file)
    names = Names(settings.name_prefix)
    exchanges = Exchanges(commands=names.commands, events=names.events, replies=names.replies)
    try:
        yield Tracing(tracer, traces_of(settings), exchanges)
    finally:
        await tracer.close()


def around_of(tracing: Tracing | None, measuring: Measuring | None) -> Around | None:
    """What is to be around each attempt that is performed, for who wants to know when."""
    if tracing is None:
        return None if measuring is None else measuring.metering.times.attempt
    if measuring is None:
        return tracing.attempt

    @contextmanager
    def both(one: AttemptId, correlation_id: str) -> Generator[Callable[[bool], None]]:
        with tracing.attempt(one, correlation_id) as trace, measuring.metering.times.attempt(one) as measure:

            def tell(is_known: bool) -> None:  # noqa: FBT001 - the one thing that is told
                trace(is_known)
                measure(is_known)

            yield tell

    return both


def traces_of(settings: Settings) -> Traces:
    """Where executions have their traces, for all processes with these settings."""
    home = f"{settings.trace_environment or ''}/{settings.temporal_namespace}/{settings.name_prefix}"
    return Traces(home, settings.trace_ratio)


def _exporter(settings: Settings, service: str) -> SpanExporter:
    if settings.traces == "console":
        return ConsoleSpanExporter()
    if settings.traces == "otlp":
        return otlp_exporter(settings.trace_otlp_url.get_secret_value(), allow_plaintext=settings.allow_plaintext)
    name = service.replace(" ", "-")
    return SpanFiles(settings.trace_folder, name, max_bytes=settings.trace_file_bytes, keep=settings.trace_files)
