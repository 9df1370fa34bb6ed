"""Spans to a collector: a small receiver by hand gets what was told."""

import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from orchestrator.adapters.telemetry.otlp import otlp_exporter
from orchestrator.adapters.telemetry.readable import resource_of
from orchestrator.adapters.telemetry.tracer import OtelTracer
from orchestrator.errors import SettingsError
from orchestrator.service.spans import AttemptId, Span, Traces, span_of

PLACE = Traces("home").of("shop:1")


@contextmanager
def collector(status: int = 200):
    """An OTLP/HTTP receiver; gives its address and what it got."""
    got: list[ExportTraceServiceRequest] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            got.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def span() -> Span:
    one = AttemptId("shop:1", "pay", "do", 2)
    said = {"name": "do pay", "kind": "internal", "span_id": PLACE.attempt(one), "parent_id": PLACE.root}
    return span_of(PLACE, one, "thread", began_ns=1_000, ended_ns=2_000, outcome="ok", revision=3, **said)


async def test_a_collector_gets_what_was_told() -> None:
    with collector() as (url, got):
        tracer = OtelTracer(resource_of("worker", "test"), otlp_exporter(url, allow_plaintext=False), is_file=False)
        await tracer.store([span()])
        await tracer.close()
    [batch] = got
    [of_resource] = batch.resource_spans
    resource = {one.key: one.value.string_value for one in of_resource.resource.attributes}
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("worker", "test")
    [one] = of_resource.scope_spans[0].spans
    assert (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex()) == (
        PLACE.trace_id,
        span().span_id,
        PLACE.root,
    )
    assert (one.start_time_unix_nano, one.end_time_unix_nano, one.name) == (1_000, 2_000, "do pay")
    said = {each.key: each.value for each in one.attributes}
    assert (said["saga.step"].string_value, said["saga.attempt"].int_value) == ("pay", 2)


async def test_a_collector_that_refuses_holds_nobody_up() -> None:
    with collector(400) as (url, got):
        tracer = OtelTracer(resource_of("worker", ""), otlp_exporter(url, allow_plaintext=False), is_file=False)
        tracer.give(span())
        await tracer.close()
    assert len(got) == 1


def test_spans_do_not_leave_the_machine_unencrypted_unless_that_is_allowed() -> None:
    with pytest.raises(SettingsError, match="SAGA_TRACE_OTLP_URL.*unencrypted"):
        otlp_exporter("http://collector.example:4318/v1/traces", allow_plaintext=False)
    otlp_exporter("http://collector.example:4318/v1/traces", allow_plaintext=True).shutdown()
    otlp_exporter("https://collector.example:4318/v1/traces", allow_plaintext=False).shutdown()


def test_without_the_extra_it_is_said_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match=r"saga-orchestrator\[otlp\]"):
        otlp_exporter("http://127.0.0.1:4318/v1/traces", allow_plaintext=False)
