"""Envelopes of MassTransit and NServiceBus, as their documentation shows them; nobody has recorded real ones."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from orchestrator.contracts.foreign import ENCLOSED, MAPPING, MASSTRANSIT, Foreign
from orchestrator.errors import MalformedMessageError
from orchestrator.messages import Envelope

FOREIGN = Foreign(
    {"payments.charge": "Shop.Payments.ChargePayment", "payments.charged": "Shop.Payments.PaymentCharged"},
    {"payments.charge": "masstransit"},
    "saga.replies.late",
)
BUS = Foreign(
    {"payments.charge": "Shop.Payments.ChargePayment"}, {"payments.charge": "nservicebus"}, "saga.replies.late"
)
COMMAND = Envelope(
    id="0123456789abcdef0123456789abcdef",
    source="saga-orchestrator/fulfil-order",
    type="payments.charge",
    body=b'{"order_id": "A17"}',
    time=datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC),
    correlation_id="fulfil-order:A17",
    causation_id="m1",
    headers={"saga-id": "fulfil-order:A17"},
)
GUID = "01234567-89ab-cdef-0123-456789abcdef"
MT: dict[str, Any] = {
    "messageId": "181c0000-6393-3630-36a4-08daf4e7c6da",
    "requestId": GUID,
    "correlationId": None,
    "conversationId": "181c0000-6393-3630-9f93-08daf4e7c6da",
    "initiatorId": None,
    "sourceAddress": "rabbitmq://localhost/payments",
    "destinationAddress": "rabbitmq://localhost/saga.replies.late?type=fanout",
    "responseAddress": None,
    "faultAddress": None,
    "messageType": ["urn:message:Shop.Payments:PaymentCharged", "urn:message:Shop.Payments:IPaymentCharged"],
    "message": {"paymentId": "p1"},
    "expirationTime": None,
    "sentTime": "2026-01-02T03:04:06.1234567Z",
    "headers": {"saga-id": "fulfil-order:A17", "MT-Host": "x"},
    "host": {"machineName": "m", "processName": "Payments", "assembly": "Payments"},
}
NSB: dict[str, Any] = {
    "NServiceBus.MessageId": "e9bf2b20-0a0f-4f15-8d5b-b1d300e8a5b1",
    "NServiceBus.MessageIntent": "Reply",
    "NServiceBus.CorrelationId": COMMAND.id,
    "NServiceBus.ConversationId": "4b9c-conversation",
    "NServiceBus.RelatedTo": COMMAND.id,
    "NServiceBus.OriginatingEndpoint": "Payments",
    "NServiceBus.OriginatingMachine": "m",
    "NServiceBus.ReplyToAddress": "Payments",
    "NServiceBus.ContentType": "application/json",
    ENCLOSED: "Shop.Payments.ChargePayment, Shop.Payments, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null;IMessage",
    "NServiceBus.TimeSent": "2026-01-02 03:04:06:123456 Z",
    "saga-id": "fulfil-order:A17",
}


def test_the_table_says_each_place_once() -> None:
    for column in range(3):
        assert len({row[column] for row in MAPPING}) == len(MAPPING)


def test_an_envelope_of_masstransit_is_read() -> None:
    taken = FOREIGN.read(f"{MASSTRANSIT}; charset=utf-8", {}, json.dumps(MT).encode())
    assert taken is not None
    assert taken.attributes["id"] == MT["messageId"]
    assert taken.attributes["type"] == "payments.charged"
    assert taken.attributes["source"] == "rabbitmq://localhost/payments"
    assert taken.attributes["correlationid"] == MT["conversationId"]
    assert taken.attributes["causationid"] == COMMAND.id, "the id of the command, as we wrote it"
    assert json.loads(taken.body) == {"paymentId": "p1"}
    assert taken.headers == {"saga-id": "fulfil-order:A17", "saga-outcome": "completed"}


def test_an_event_of_masstransit_is_no_reply_and_its_class_may_be_the_second_that_is_named() -> None:
    event = {**MT, "requestId": None, "messageType": ["urn:message:Shop:Newer", MT["messageType"][0]]}
    taken = FOREIGN.read(MASSTRANSIT, {}, json.dumps(event).encode())
    assert taken is not None
    assert (taken.attributes["type"], taken.headers) == ("payments.charged", {"saga-id": "fulfil-order:A17"})
    assert "causationid" not in taken.attributes


def test_a_fault_of_masstransit_is_a_failure_with_its_reason() -> None:
    fault = {
        **MT,
        "messageType": [
            "urn:message:MassTransit:Fault[[Shop.Payments:ChargePayment]]",
            "urn:message:MassTransit:Fault",
        ],
        "message": {"faultId": GUID, "exceptions": [{"exceptionType": "System.Exception", "message": "no funds"}]},
    }
    taken = FOREIGN.read(MASSTRANSIT, {}, json.dumps(fault).encode())
    assert taken is not None
    assert taken.headers == {
        "saga-id": "fulfil-order:A17",
        "saga-outcome": "failed",
        "saga-retryable": "true",
        "saga-error-code": "fault",
        "saga-error-reason": "no funds",
    }


def test_a_message_of_nservicebus_is_read() -> None:
    taken = BUS.read("application/json", NSB, b'{"orderId": 1}')
    assert taken is not None
    assert taken.attributes == {
        "specversion": "1.0",
        "id": NSB["NServiceBus.MessageId"],
        "source": "Payments",
        "type": "payments.charge",
        "time": "2026-01-02T03:04:06.123456+00:00",
        "correlationid": "4b9c-conversation",
        "causationid": COMMAND.id,
        "reply_to": "Payments",
    }
    assert (taken.body, taken.headers) == (b'{"orderId": 1}', {"saga-outcome": "completed"})
    sent = BUS.read("application/json", {**NSB, "NServiceBus.MessageIntent": "Publish"}, b"{}")
    assert sent is not None
    assert sent.headers == {}


def test_a_command_for_masstransit_has_guids_and_says_where_its_reply_goes() -> None:
    made = FOREIGN.write(COMMAND, COMMAND.id)
    document = json.loads(made.body)
    assert made.content_type == MASSTRANSIT
    assert (document["messageId"], document["requestId"]) == (GUID, GUID)
    assert document["messageType"] == ["urn:message:Shop.Payments:ChargePayment"]
    assert document["message"] == {"order_id": "A17"}
    assert document["sentTime"] == "2026-01-02T03:04:05.678900+00:00"
    assert document["responseAddress"] == "exchange:saga.replies.late?type=fanout"
    assert document["headers"] == made.headers == {"saga-id": "fulfil-order:A17"}
    for name in ("conversationId", "initiatorId"):
        UUID(document[name])
    assert json.loads(FOREIGN.write(COMMAND, COMMAND.id).body)["conversationId"] == document["conversationId"]


def test_a_command_for_nservicebus_has_its_headers_and_the_body_as_it_is() -> None:
    made = BUS.write(COMMAND, COMMAND.id)
    assert (made.body, made.content_type) == (COMMAND.body, "application/json")
    assert made.headers == {
        "saga-id": "fulfil-order:A17",
        "NServiceBus.MessageId": COMMAND.id,
        "NServiceBus.OriginatingEndpoint": COMMAND.source,
        ENCLOSED: "Shop.Payments.ChargePayment",
        "NServiceBus.TimeSent": "2026-01-02 03:04:05:678900 Z",
        "NServiceBus.ConversationId": "fulfil-order:A17",
        "NServiceBus.RelatedTo": "m1",
        "NServiceBus.CorrelationId": COMMAND.id,
        "NServiceBus.ReplyToAddress": "saga.replies.late",
        "NServiceBus.ContentType": "application/json",
        "NServiceBus.MessageIntent": "Send",
    }


@pytest.mark.parametrize("foreign", [FOREIGN, BUS])
def test_what_we_write_we_read_again(foreign) -> None:
    made = foreign.write(COMMAND, COMMAND.id)
    taken = foreign.read(made.content_type, made.headers, made.body)
    assert taken.attributes["type"] == COMMAND.type
    assert taken.attributes["causationid"] == COMMAND.id
    assert json.loads(taken.body) == json.loads(COMMAND.body)


def test_anything_else_is_in_neither() -> None:
    assert FOREIGN.read("application/json", {"ce-id": "1"}, b"{}") is None


@pytest.mark.parametrize(
    ("content_type", "headers", "body", "told"),
    [
        (MASSTRANSIT, {}, b"[]", "lacks messageType or message"),
        (MASSTRANSIT, {}, b'{"messageType": []}', "lacks messageType or message"),
        (MASSTRANSIT, {}, b"hello", "not acceptable JSON"),
        (MASSTRANSIT, {}, b'{"messageType": ["urn:message:Shop:Other"], "message": {}}', "'Shop.Other'.*SAGA_FOREIGN"),
        ("", {ENCLOSED: "Shop.Other, Shop"}, b"{}", "no message type here is called 'Shop.Other'"),
        ("", {**NSB, "NServiceBus.TimeSent": "yesterday"}, b"{}", "NServiceBus.TimeSent is 'yesterday'"),
    ],
)
def test_what_says_so_and_is_not_is_refused(content_type, headers, body, told) -> None:
    with pytest.raises(MalformedMessageError, match=told):
        FOREIGN.read(content_type, headers, body)
