"""Envelopes on the wire: CloudEvents 1.0 over AMQP 0.9.1.

Sent in binary mode: each attribute is a text header `ce-<attribute>`, the body is the data. Taken in binary mode with
any of the three prefixes in use, and in structured mode. The plain `traceparent` header is the hop,
`ce-traceparent` the trace in which the message began.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from aio_pika import DeliveryMode, Message
from pydantic import BaseModel
from pydantic_core import to_json

from orchestrator.adapters.rabbitmq.headers import as_text, travelling
from orchestrator.contracts.codecs.table import JSON_ONLY, JSON_TYPES
from orchestrator.contracts.decoding import decode
from orchestrator.errors import MalformedMessageError, MessageTooLargeError
from orchestrator.messages import Envelope, is_traceparent, new_traceparent
from orchestrator.versions import MOST_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aio_pika.abc import AbstractIncomingMessage

    from orchestrator.contracts.codecs.table import Codecs

PREFIX = "ce-"
ACCEPTED_PREFIXES = (PREFIX, "cloudevents_", "cloudevents:")
STRUCTURED = "application/cloudevents"
STRUCTURED_JSON = "application/cloudevents+json"
BATCH = "application/cloudevents-batch"
SPEC_VERSION = "1.0"
REQUIRED = ("specversion", "id", "source", "type")
MAX_ATTRIBUTE_BYTES = 255
"""Longest attribute, bytes: AMQP keeps ids and types in short strings."""
MAX_TRACESTATE = 512
"""A longer `tracestate` is dropped, as W3C allows, characters."""


def to_amqp(envelope: Envelope, *, reply_to: str = "", pairs: str = "", codecs: Codecs = JSON_ONLY) -> Message:
    """The envelope as a persistent message.

    It never expires: the broker would put it into parking, where a person would find what its sender has given up. A
    participant turns a command away that is past its deadline.

    Args:
        envelope: what is sent; one without a trace begins a new one.
        reply_to: routing key under which the answer is expected.
        pairs: id that pairs command and reply (AMQP `correlation_id`; the business one is `ce-correlationid`).
        codecs: which message types travel otherwise than as JSON.
    """
    traceparent = envelope.traceparent or new_traceparent()
    headers = {**envelope.headers, "traceparent": traceparent}
    if envelope.tracestate:
        headers["tracestate"] = envelope.tracestate
    headers |= {PREFIX + name: value for name, value in _attributes(envelope, traceparent).items() if value}
    if envelope.type in codecs.foreign.styles:
        made = codecs.foreign.write(envelope, pairs)
        # Not our attributes beside theirs: what is copied onto an answer would make it look like the command.
        body, content_type, headers = made.body, made.content_type, {"traceparent": traceparent, **made.headers}
    else:
        body, content_type = codecs.written(envelope)
    return Message(
        body,
        headers=cast("dict[str, Any]", headers),
        content_type=content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=envelope.id,
        correlation_id=pairs or None,
        reply_to=reply_to or None,
        type=envelope.type,
        timestamp=envelope.time,
    )


def _attributes(envelope: Envelope, traceparent: str) -> dict[str, str]:
    return {
        "specversion": SPEC_VERSION,
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "correlationid": envelope.correlation_id,
        "causationid": envelope.causation_id,
        "traceparent": traceparent,
        "tracestate": envelope.tracestate,
        "sequence": envelope.sequence,
        "dataversion": str(envelope.version) if envelope.version != 1 else "",
    }


def from_amqp(message: AbstractIncomingMessage, *, max_body_bytes: int, codecs: Codecs = JSON_ONLY) -> Envelope:
    """The envelope in a received message, its body as JSON. JSON is not looked into, except in structured mode.

    Of the headers only plain `saga-...` ones travel on. A message without a trace gets a new one; one without a
    correlation id has an empty one.

    Raises:
        MessageTooLargeError: the body is larger than `max_body_bytes`; nothing was parsed.
        WrongContentTypeError: the body is neither JSON nor what its type is declared to travel as.
        MalformedMessageError: an attribute is missing or cannot be read, or the headers or an encoded body are not
            acceptable.
    """
    if len(message.body) > max_body_bytes:
        raise MessageTooLargeError(size=len(message.body), limit=max_body_bytes)
    if message.content_encoding not in (None, "", "identity", "utf-8"):
        raise MalformedMessageError("the body has a content encoding: send it uncompressed")
    headers = travelling(message.headers)
    content_type = message.content_type or ""
    if content_type.lower().startswith(STRUCTURED):
        attributes, body = structured(message.body, content_type)
        content_type = attributes.get("datacontenttype", "")
    else:
        attributes, body = binary(message.headers), message.body
        if "type" not in attributes and (taken := codecs.foreign.read(content_type, message.headers, body)):
            attributes, body, headers = taken.attributes, taken.body, travelling(taken.headers) | headers
    _require(attributes)
    if content_type not in JSON_TYPES:
        body = codecs.read(attributes["type"], content_type, body, limit=max_body_bytes)
    return Envelope(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        body=body,
        time=_time(attributes.get("time", "")),
        correlation_id=attributes.get("correlationid", ""),
        causation_id=attributes.get("causationid", ""),
        sequence=attributes.get("sequence", ""),
        version=version_of(attributes.get("dataversion", "")),
        headers=headers,
        **_trace(attributes, message.headers),
    )


def _require_single_json(content_type: str) -> None:
    """A batch would have to be taken and refused event by event, and settled as one."""
    media = content_type.partition(";")[0].strip().lower()
    if media.startswith(BATCH):
        raise MalformedMessageError("a batch of CloudEvents is not taken: send each event as a message of its own")
    if media not in (STRUCTURED, STRUCTURED_JSON):
        raise MalformedMessageError(f"{media[:60]!r} is not taken: send structured events as {STRUCTURED_JSON}")


class _StructuredEvent(BaseModel, extra="allow"):
    """A CloudEvent in structured mode, as far as its data is concerned."""

    data: Any = None
    data_base64: str | None = None


def structured(body: bytes, content_type: str = STRUCTURED_JSON) -> tuple[dict[str, str], bytes]:
    """The attributes and the data of a CloudEvent in structured mode.

    Raises:
        MalformedMessageError: it is none, or by its content type a batch, or no JSON.
    """
    _require_single_json(content_type)
    try:
        event = _StructuredEvent.model_validate(decode(body))
        encoded = event.data_base64
        data = to_json(event.data) if encoded is None else b64decode(encoded, validate=True)
    except ValueError:  # pydantic's and base64's own errors are such
        raise MalformedMessageError("the body is no CloudEvent in structured mode") from None
    extra = event.model_extra or {}
    attributes = {name.lower(): as_text(name, value) for name, value in extra.items() if value is not None}
    return attributes, data


def binary(headers: Mapping[str, Any]) -> dict[str, str]:
    """The attributes in the headers of a CloudEvent in binary mode.

    Raises:
        MalformedMessageError: one of them is no plain value, or too long.
    """
    attributes: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        prefix = next((known for known in ACCEPTED_PREFIXES if lowered.startswith(known)), None)
        if prefix and value is not None:
            attributes[lowered.removeprefix(prefix)] = as_text(name, value)
    return attributes


def _require(attributes: Mapping[str, str]) -> None:
    missing = [name for name in REQUIRED if not attributes.get(name)]
    if missing:
        wanted = ", ".join(f"{PREFIX}{name}" for name in missing)
        raise MalformedMessageError(f"the message is no CloudEvent, it lacks {wanted}: send these as text headers")
    if not attributes["specversion"].startswith("1."):
        raise MalformedMessageError(f"CloudEvents {attributes['specversion'][:20]!r} is not known here: send 1.0")
    for name in ("id", "source", "type", "correlationid", "causationid", "sequence"):
        if len(attributes.get(name, "").encode()) > MAX_ATTRIBUTE_BYTES:
            raise MalformedMessageError(f"{PREFIX}{name} is longer than {MAX_ATTRIBUTE_BYTES} bytes")


def _time(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedMessageError(f"{PREFIX}time is {text[:40]!r}, it must be written as RFC 3339 says") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def version_of(text: str) -> int:
    """The version of its type that a message says it has; 1, if it says none.

    Raises:
        MalformedMessageError: it is no number.
    """
    if not text:
        return 1
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST_VERSIONS:
        return int(text[:5])
    raise MalformedMessageError(f"{PREFIX}dataversion is {text[:20]!r}, it must be a whole number from 1")


def _trace(attributes: Mapping[str, str], headers: Mapping[str, Any]) -> dict[str, str]:
    """The trace in which the message began, else that of the hop, else a new one."""
    for parent, state in (
        (attributes.get("traceparent"), attributes.get("tracestate")),
        (headers.get("traceparent"), headers.get("tracestate")),
    ):
        if isinstance(parent, str) and is_traceparent(parent):
            fits = isinstance(state, str) and len(state) <= MAX_TRACESTATE
            return {"traceparent": parent, "tracestate": cast("str", state) if fits else ""}
    return {"traceparent": new_traceparent(), "tracestate": ""}
