from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aio_pika import DeliveryMode
from pydantic_core import from_json, to_json

from orchestrator import Event
from orchestrator.adapters.rabbitmq.wire import from_amqp, to_amqp
from orchestrator.contracts.codecs.table import Codecs
from orchestrator.contracts.foreign import Foreign
from orchestrator.errors import MalformedMessageError, MessageTooLargeError, WrongContentTypeError
from orchestrator.messages import Envelope, is_traceparent
from tests.rabbitmq_kit import CE, incoming

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
HOP = "00-" + "c" * 32 + "-" + "d" * 16 + "-01"
FULL = Envelope(
    id="m1",
    source="/shop",
    type="order.placed",
    body=b'{"order_id": "A17"}',
    time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    correlation_id="c1",
    causation_id="m0",
    traceparent=TRACE,
    tracestate="vendor=1",
    sequence="0007",
    headers={"saga-step": "reserve"},
)


def take(message, limit=1_000_000):
    return from_amqp(message, max_body_bytes=limit)


def sent_and_received(envelope, **options):
    sent = to_amqp(envelope, **options)
    return incoming(sent.body, dict(sent.headers), content_type=sent.content_type)


def test_an_envelope_arrives_as_it_was_sent():
    assert take(sent_and_received(FULL)) == FULL


def test_an_envelope_with_only_what_is_required_arrives_too():
    small = Envelope(id="m1", source="/shop", type="order.placed", body=b"{}")
    arrived = take(sent_and_received(small))
    assert replace(arrived, traceparent="") == small
    assert is_traceparent(arrived.traceparent)


def test_a_version_travels_and_the_first_is_not_written():
    second = replace(FULL, version=2)
    assert to_amqp(second).headers["ce-dataversion"] == "2"
    assert take(sent_and_received(second)) == second
    assert "ce-dataversion" not in to_amqp(FULL).headers


@pytest.mark.parametrize("version", ["0", "-1", "two", "1.0", "99999999999", "\u0662"])
def test_a_version_that_is_no_number_is_told(version):
    with pytest.raises(MalformedMessageError, match="ce-dataversion is .*, it must be a whole number from 1"):
        take(incoming(b"{}", {**CE, "ce-dataversion": version}))


def test_a_version_may_be_a_number_on_the_wire():
    assert take(incoming(b"{}", {**CE, "ce-dataversion": 3})).version == 3


def test_messages_are_persistent_and_carry_the_ids_where_amqp_has_them():
    sent = to_amqp(FULL, reply_to="w1", pairs="command-1")
    assert sent.delivery_mode == DeliveryMode.PERSISTENT
    assert (sent.message_id, sent.type, sent.correlation_id, sent.reply_to) == ("m1", "order.placed", "command-1", "w1")
    assert sent.properties.expiration is None
    assert sent.content_type == "application/json"


def test_attributes_are_text_headers_and_the_hop_has_its_own():
    headers = to_amqp(FULL).headers
    assert headers == {
        "saga-step": "reserve",
        "traceparent": TRACE,
        "tracestate": "vendor=1",
        "ce-specversion": "1.0",
        "ce-id": "m1",
        "ce-source": "/shop",
        "ce-type": "order.placed",
        "ce-time": "2026-01-02T03:04:05Z",
        "ce-correlationid": "c1",
        "ce-causationid": "m0",
        "ce-traceparent": TRACE,
        "ce-tracestate": "vendor=1",
        "ce-sequence": "0007",
    }


def test_size_is_looked_at_before_anything_else():
    with pytest.raises(MessageTooLargeError, match="11 bytes, 10 are allowed"):
        take(incoming(b"x" * 11, {}), limit=10)


@pytest.mark.parametrize("prefix", ["ce-", "CE-", "cloudEvents_", "cloudEvents:"])
def test_all_prefixes_in_use_are_taken(prefix):
    headers = {name.replace("ce-", prefix): value for name, value in CE.items()}
    arrived = take(incoming(b"{}", headers))
    assert (arrived.id, arrived.source, arrived.type, arrived.correlation_id) == ("m1", "/shop", "order.placed", "")


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_attribute_is_told_by_name(name, value):
    with pytest.raises(MalformedMessageError, match=f"lacks ce-{name}"):
        take(incoming(b"{}", {**CE, f"ce-{name}": value}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ce-specversion": "0.3"}, "0.3"),
        ({"ce-id": "x" * 256}, "ce-id is longer"),
        ({"ce-correlationid": "é" * 128}, "ce-correlationid is longer"),
        ({"ce-time": "yesterday"}, "ce-time is 'yesterday'"),
        ({"ce-id": ["m1"]}, "'ce-id' must be text"),
        ({"saga-step": {"a": 1}}, "'saga-step' must be text"),
    ],
)
def test_what_cannot_be_read_is_told(changes, told):
    with pytest.raises(MalformedMessageError, match=told):
        take(incoming(b"{}", {**CE, **changes}))


def test_a_compressed_body_is_refused():
    with pytest.raises(MalformedMessageError, match="uncompressed"):
        take(incoming(b"x", content_encoding="gzip"))


def test_a_time_that_the_client_library_has_decoded_is_taken():
    arrived = take(incoming(b"{}", {**CE, "ce-time": datetime(2026, 1, 2, tzinfo=UTC)}))
    assert arrived.time == datetime(2026, 1, 2, tzinfo=UTC)


def test_a_time_without_a_zone_is_utc():
    assert take(incoming(b"{}", {**CE, "ce-time": "2026-01-02T00:00:00"})).time == datetime(2026, 1, 2, tzinfo=UTC)


def test_the_trace_in_which_the_message_began_wins_over_the_hop():
    assert take(incoming(b"{}", {**CE, "ce-traceparent": TRACE, "traceparent": HOP})).traceparent == TRACE
    hop = take(incoming(b"{}", {**CE, "ce-traceparent": "nonsense", "traceparent": HOP, "tracestate": "a=1"}))
    assert (hop.traceparent, hop.tracestate) == (HOP, "a=1")


@pytest.mark.parametrize("trace", [None, "nonsense", "00-" + "0" * 32 + "-" + "b" * 16 + "-01", 7])
def test_a_message_without_a_trace_begins_one(trace):
    arrived = take(incoming(b"{}", {**CE, "traceparent": trace}))
    assert is_traceparent(arrived.traceparent)
    assert arrived.tracestate == ""


def test_a_trace_state_that_is_too_long_is_dropped():
    assert take(incoming(b"{}", {**CE, "traceparent": HOP, "tracestate": "x" * 513})).tracestate == ""


STRUCTURED = {"specversion": "1.0", "id": "m1", "source": "/shop", "type": "order.placed", "correlationid": "c1"}


def structured(document, content_type="application/cloudevents+json; charset=utf-8"):
    body = document if isinstance(document, bytes) else to_json(document)
    return incoming(body, {"saga-step": "x"}, content_type=content_type)


def test_structured_mode_is_taken():
    arrived = take(structured({**STRUCTURED, "data": {"order_id": "A17"}, "dataschema": None}))
    assert (arrived.id, arrived.type, arrived.correlation_id) == ("m1", "order.placed", "c1")
    assert arrived.body == b'{"order_id":"A17"}'
    assert arrived.headers == {"saga-step": "x"}


def test_structured_mode_with_encoded_data_is_taken():
    assert take(structured({**STRUCTURED, "data_base64": "eyJhIjoxfQ=="})).body == b'{"a":1}'


@pytest.mark.parametrize(
    "document", [b"hello", [], {**STRUCTURED, "data_base64": "*"}, {**STRUCTURED, "source": {}}, {}]
)
def test_structured_mode_that_is_none_is_refused(document):
    with pytest.raises(MalformedMessageError):
        take(structured(document))


def test_a_batch_is_refused_in_words():
    for content_type in ("application/cloudevents-batch+json", "Application/CloudEvents-Batch+JSON; charset=utf-8"):
        with pytest.raises(MalformedMessageError, match="a batch of CloudEvents is not taken: send each event"):
            take(structured([STRUCTURED, STRUCTURED], content_type))


def test_another_format_than_json_is_refused_in_words():
    with pytest.raises(MalformedMessageError, match=r"'application/cloudevents\+xml' is not taken: send .*\+json"):
        take(structured(b"<event/>", "application/cloudevents+xml; charset=utf-8"))
    assert take(structured({**STRUCTURED, "data": {}}, "application/cloudevents")).id == "m1"


class Flown(Event, type="flown", codec="avro"):
    id: str


CODECS = Codecs([Flown])
FLOWN = replace(FULL, type="flown", body=b'{"id":"A17"}')


def test_a_type_travels_as_it_is_declared_and_comes_back_as_json():
    sent = to_amqp(FLOWN, codecs=CODECS)
    assert sent.content_type == "application/avro"
    received = incoming(sent.body, dict(sent.headers), content_type=sent.content_type)
    assert from_amqp(received, max_body_bytes=1_000, codecs=CODECS) == FLOWN
    with pytest.raises(WrongContentTypeError):
        take(received)


def test_size_is_looked_at_before_anything_is_decoded():
    with pytest.raises(MessageTooLargeError, match="the body has 2000 bytes"):
        from_amqp(
            incoming(b"x" * 2_000, {**CE, "ce-type": "flown"}, content_type="application/avro"),
            max_body_bytes=1_000,
            codecs=CODECS,
        )


def test_in_structured_mode_the_event_says_how_its_data_travels():
    sent = to_amqp(FLOWN, codecs=CODECS)
    document = {
        "specversion": "1.0",
        "id": "m1",
        "source": "/shop",
        "type": "flown",
        "datacontenttype": "application/avro",
    }
    body = to_json({**document, "data_base64": b64encode(sent.body).decode()})
    received = incoming(body, {}, content_type="application/cloudevents+json")
    assert from_amqp(received, max_body_bytes=1_000, codecs=CODECS).body == FLOWN.body


ABROAD = Codecs([], foreign=Foreign({"order.placed": "Shop.OrderPlaced"}, {"order.placed": "masstransit"}, "replies"))


def test_an_envelope_of_theirs_is_sent_without_our_attributes_and_taken_with_their_meaning():
    sent = to_amqp(FULL, pairs="command-1", codecs=ABROAD)
    assert sent.content_type == "application/vnd.masstransit+json"
    assert set(sent.headers) == {"traceparent", "saga-step"}
    taken = from_amqp(incoming(sent.body, {}, content_type=sent.content_type), max_body_bytes=10_000, codecs=ABROAD)
    assert (taken.type, taken.time, taken.headers["saga-step"]) == ("order.placed", FULL.time, "reserve")
    assert from_json(taken.body) == from_json(FULL.body)


def test_what_is_carried_inside_is_held_to_the_same_limits():
    sent = to_amqp(replace(FULL, headers={"saga-step": "x" * 3_000}), codecs=ABROAD)
    with pytest.raises(MalformedMessageError, match="'saga-step' is longer than 2048 bytes"):
        from_amqp(incoming(sent.body, {}, content_type=sent.content_type), max_body_bytes=10_000, codecs=ABROAD)
