"""Lines are OTLP JSON by the rules of the protocol."""

import json

from opentelemetry.sdk.resources import Resource

from orchestrator.adapters.telemetry.otlp_json import document, line
from orchestrator.adapters.telemetry.readable import readable, resource_of
from orchestrator.service.spans import Passed, Span

TRACE, SENDER = "0" * 31 + "a", "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
ATTEMPT = Span(
    name="undo pay",
    kind="internal",
    trace_id=TRACE,
    span_id="00f067aa0ba902b7",
    parent_id="b7ad6b7169203331",
    execution_id="shop:1",
    correlation_id="thread",
    began_ns=1_700_000_000_000_000_001,
    ended_ns=1_700_000_000_000_000_009,
    step="pay",
    direction="undo",
    attempt=2,
    outcome="rejected",
    error="declined",
    revision=7,
)
SEND = Span(
    name="send saga.commands",
    kind="producer",
    trace_id=TRACE,
    span_id="b7ad6b7169203331",
    execution_id="shop:1",
    correlation_id="thread",
    began_ns=5,
    ended_ns=3,
    link=SENDER,
    message=Passed(operation="send", destination="saga.commands", routing_key="pay.charge", message_id="m1", size=12),
)
RESOURCE = Resource({"service.name": "saga worker", "flag": True, "share": 0.5, "list": ("a", "b")})


def span_of(span, resource=RESOURCE):
    (of_resource,) = document([readable(span, resource)])["resourceSpans"]
    return of_resource["scopeSpans"][0]["spans"][0]


def test_ids_are_hexadecimal_times_are_text_and_enumerations_numbers() -> None:
    span = span_of(ATTEMPT)
    assert (span["traceId"], span["spanId"], span["parentSpanId"]) == (TRACE, "00f067aa0ba902b7", "b7ad6b7169203331")
    assert (span["startTimeUnixNano"], span["endTimeUnixNano"]) == ("1700000000000000001", "1700000000000000009")
    assert (span["kind"], span["status"]) == (1, {"code": 2})
    assert {"key": "saga.attempt", "value": {"intValue": "2"}} in span["attributes"]


def test_a_root_has_no_parent_and_a_span_never_ends_before_it_begins() -> None:
    span = span_of(SEND)
    assert "parentSpanId" not in span
    assert (span["kind"], span["status"], span["endTimeUnixNano"]) == (4, {}, "5")


def test_a_link_names_the_other_trace() -> None:
    (link,) = span_of(SEND)["links"]
    assert (link["traceId"], link["spanId"], link["flags"]) == (SENDER[3:35], SENDER[36:52], 0x301)
    assert "links" not in span_of(ATTEMPT)


def test_what_is_no_trace_context_is_no_link() -> None:
    from dataclasses import replace

    assert "links" not in span_of(replace(SEND, link="nonsense"))


def test_spans_of_one_process_share_its_description_and_a_batch_is_one_line() -> None:
    written = line([readable(ATTEMPT, RESOURCE), readable(SEND, RESOURCE)])
    assert (written.count(b"\n"), written[-1:]) == (1, b"\n")
    (of_resource,) = json.loads(written)["resourceSpans"]
    assert len(of_resource["scopeSpans"][0]["spans"]) == 2
    said = {one["key"]: one["value"] for one in of_resource["resource"]["attributes"]}
    assert said["service.name"] == {"stringValue": "saga worker"}
    assert said["flag"] == {"boolValue": True}
    assert said["share"] == {"doubleValue": 0.5}
    assert said["list"] == {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}


def test_a_process_is_named_and_so_is_its_environment_if_it_has_one() -> None:
    assert resource_of("worker", "live").attributes["deployment.environment.name"] == "live"
    assert "deployment.environment.name" not in resource_of("worker", "").attributes
    assert resource_of("worker", "").attributes["service.name"] == "worker"
