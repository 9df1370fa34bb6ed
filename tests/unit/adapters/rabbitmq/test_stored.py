import json

import pytest

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.stored import kind_of, read_stored
from orchestrator.errors import MalformedMessageError
from orchestrator.messages import short_hash
from orchestrator.settings import Settings
from tests.rabbitmq_kit import CE, incoming

NAMES = Names("saga")
SETTINGS = Settings.model_validate({"event_body_bytes": 100, "max_body_bytes": 2048})
NOW = 1_700_000_000_000
COMMAND = {
    **CE,
    "ce-type": "payments.charge",
    "ce-correlationid": "c1",
    "ce-causationid": "m0",
    "ce-sequence": "0042",
    "ce-time": "2026-01-02T03:04:05Z",
    "saga-id": "shop:1",
    "saga-step": "charge",
    "saga-direction": "undo",
    "saga-attempt": "3",
}


def read(body=b"{}", headers=CE, **more):
    return read_stored(incoming(body, headers, **more), NAMES, SETTINGS, NOW)


def test_a_command_says_whose_it_is_and_which_call():
    found = read(headers=COMMAND, exchange=NAMES.commands, routing_key="payments.charge")
    assert (found.kind, found.way, found.execution_id, found.saga) == ("command", "out", "shop:1", "shop")
    assert (found.step, found.call, found.attempt) == ("charge", "undo", 3)
    assert (found.correlation_id, found.causation_id, found.sequence, found.place) == ("c1", "m0", "0042", 42)
    assert (found.identity, found.at_ms, found.stored_ms) == (short_hash("/shop", "m1"), 1_767_323_045_000, NOW)
    assert (found.exchange, found.routing_key) == (NAMES.commands, "payments.charge")
    assert found.headers == COMMAND


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        (NAMES.events, "event"),
        (NAMES.commands, "command"),
        (NAMES.replies_sent, "reply"),
        (NAMES.replies_late, "reply"),
    ],
)
def test_what_a_message_is_follows_from_where_it_was_published(exchange, kind):
    assert kind_of(exchange, NAMES) == kind


def test_an_event_of_an_execution_goes_out_and_one_of_others_comes_in():
    assert read(headers={**CE, "saga-id": "shop:1"}).way == "out"
    assert read().way == "in"


def test_a_reply_says_how_it_went():
    found = read(headers={**COMMAND, "saga-outcome": "rejected"}, exchange=NAMES.replies_sent)
    assert (found.kind, found.way, found.outcome) == ("reply", "in", "rejected")


@pytest.mark.parametrize(("size", "is_kept"), [(100, True), (101, False), (5_000, False)])
def test_a_large_body_is_left_out_and_its_message_is_kept(size, is_kept):
    found = read(b"x" * size)
    assert (found.size, found.body is not None) == (size, is_kept)


def test_a_cloud_event_in_structured_mode_is_kept_like_any_other():
    event = {"specversion": "1.0", "id": "m1", "source": "/shop", "type": "order.placed", "data": {"order_id": "A17"}}
    found = read(json.dumps(event).encode(), {}, content_type="application/cloudevents+json")
    assert (found.identity, found.type, found.payload) == (
        short_hash("/shop", "m1"),
        "order.placed",
        {"order_id": "A17"},
    )


@pytest.mark.parametrize("headers", [{}, {**CE, "ce-id": ""}, {**CE, "ce-source": ["a"]}], ids=str)
def test_what_has_no_identity_is_refused(headers):
    with pytest.raises(MalformedMessageError):
        read(headers=headers)


def test_what_no_database_takes_as_text_is_replaced():
    found = read(headers={**COMMAND, "ce-id": "m\x001", "saga-step": "s\x00" + "x" * 300, "saga-attempt": "99999999"})
    assert found.message_id == "m�1"
    assert (len(found.step), found.attempt) == (200, 32_767)
    assert read(headers={**COMMAND, "saga-attempt": "many"}).attempt == 0


def test_a_body_that_is_no_json_is_kept_as_it_came_with_its_content_type():
    found = read(b"\xc3\x01\xff", content_type="application/avro")
    plain = read(content_type="application/json")
    assert found.headers is not None
    assert plain.headers is not None
    assert (found.body, found.headers["content-type"], found.type) == (
        b"\xc3\x01\xff",
        "application/avro",
        "order.placed",
    )
    assert "content-type" not in plain.headers


def test_a_message_in_another_envelope_is_kept_under_the_name_that_it_has_there():
    document = {"messageId": "1", "messageType": ["urn:message:Shop:Charge"], "message": {"a": 1}, "headers": {}}
    found = read(json.dumps(document).encode(), {}, content_type="application/vnd.masstransit+json")
    assert (found.type, found.message_id, found.body) == ("Shop.Charge", "1", b'{"a":1}')
