"""Spans as OTLP JSON, one batch a line, as the collector's file receiver reads it (OTLP File Exporter, 1.0).

Written by the protocol's JSON rules: ids in hexadecimal, 64 bit numbers as text, enumerations as numbers.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanContext

REMOTE_KNOWN, REMOTE = 0x100, 0x200
"""Bits of a span's flags: whether it is known that the parent is of another process, and that it is."""


def line(spans: Sequence[ReadableSpan]) -> bytes:
    """One line, its end included."""
    return to_json(document(spans)) + b"\n"


def document(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """The batch as `TracesData`. Spans of one resource and scope that follow each other are written together."""
    return {"resourceSpans": [_of_resource(list(group)) for _, group in groupby(spans, lambda span: id(span.resource))]}


def _of_resource(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    resource = spans[0].resource
    return {
        "resource": {"attributes": _attributes(resource.attributes)},
        "scopeSpans": [
            _of_scope(list(group)) for _, group in groupby(spans, lambda span: id(span.instrumentation_scope))
        ],
        "schemaUrl": resource.schema_url,
    }


def _of_scope(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    scope = spans[0].instrumentation_scope
    named = {"name": scope.name, "version": scope.version or ""} if scope else {}
    return {"scope": named, "spans": [_span(one) for one in spans], "schemaUrl": scope.schema_url if scope else ""}


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = cast("SpanContext", span.context)  # the SDK's types know spans without one; there are none
    found: dict[str, Any] = {
        "traceId": format(context.trace_id, "032x"),
        "spanId": format(context.span_id, "016x"),
        "flags": context.trace_flags | REMOTE_KNOWN,
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": span.status.status_code.value} if span.status.status_code.value else {},
    }
    if span.parent is not None:
        found["parentSpanId"] = format(span.parent.span_id, "016x")
    if span.links:
        found["links"] = [_link(one) for one in span.links]
    return found


def _link(link: Link) -> dict[str, Any]:
    context = link.context
    remote = REMOTE if context.is_remote else 0
    return {
        "traceId": format(context.trace_id, "032x"),
        "spanId": format(context.span_id, "016x"),
        "flags": context.trace_flags | REMOTE_KNOWN | remote,
    }


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"arrayValue": {"values": [_value(one) for one in value]}}
