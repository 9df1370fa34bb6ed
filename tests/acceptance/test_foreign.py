"""A saga and a participant that speaks MassTransit or NServiceBus, made by hand, on real servers."""

import json
import uuid
from datetime import timedelta

import pytest
from aio_pika import Message

from orchestrator import Command, Event, Saga, command, step
from tests.temporal_kit import Asked
from tests.worker_kit import working

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


class Charged(Event, type="payments.charged"):
    payment: str


class Charge(Command["Charged"], type="payments.charge"):
    key: str


@command(to="payments")
def charge(asked: Asked) -> Charge:
    return Charge(key=asked.key)


saga = Saga("pay", step(charge, no_undo="a test", within=timedelta(seconds=20)), starts_on=Asked, key="key", version=1)
NAMES = {"payments.charge": "Shop.Payments.Charge", "payments.charged": "Shop.Payments.Charged"}


def masstransit(command: Message) -> tuple[Message, str]:
    """What MassTransit answers, and to which exchange."""
    asked = json.loads(command.body)
    assert asked["messageType"] == ["urn:message:Shop.Payments:Charge"]
    document = {
        "messageId": str(uuid.uuid4()),
        "requestId": asked["requestId"],
        "conversationId": asked["conversationId"],
        "messageType": ["urn:message:Shop.Payments:Charged"],
        "message": {"payment": asked["message"]["key"]},
        "headers": asked["headers"],
    }
    exchange = asked["responseAddress"].removeprefix("exchange:").partition("?")[0]
    return Message(json.dumps(document).encode(), content_type="application/vnd.masstransit+json"), exchange


def nservicebus(command: Message) -> tuple[Message, str]:
    """What NServiceBus answers, and to which exchange."""
    asked = command.headers
    headers = {
        "NServiceBus.MessageId": str(uuid.uuid4()),
        "NServiceBus.MessageIntent": "Reply",
        "NServiceBus.EnclosedMessageTypes": "Shop.Payments.Charged, Shop.Payments",
        "NServiceBus.CorrelationId": asked["NServiceBus.CorrelationId"],
        "NServiceBus.RelatedTo": asked["NServiceBus.MessageId"],
        **{name: value for name, value in asked.items() if name.startswith("saga-")},
    }
    body = json.dumps({"payment": json.loads(command.body)["key"]}).encode()
    return Message(body, content_type="application/json", headers=headers), str(asked["NServiceBus.ReplyToAddress"])


@pytest.mark.parametrize(("style", "answer"), [("masstransit", masstransit), ("nservicebus", nservicebus)])
async def test_a_command_is_sent_and_answered_in_its_participants_envelope(tmp_path, style, answer) -> None:
    file = tmp_path / "foreign.json"
    file.write_text(json.dumps({"participants": {"payments": style}, "types": NAMES}))
    async with working(tmp_path, [saga], foreign=file) as place:
        handle = await place.begin(saga, Asked(key=place.key))
        names = place.corner.names
        (taken,) = await place.corner.take(names.command_queue("payments"))
        assert not any(name.startswith("ce-") for name in taken.headers)
        made, exchange = answer(taken)
        async with place.corner.connection.channel() as channel:
            await (await channel.get_exchange(exchange)).publish(made, "")
        result = await handle.result()
        assert result["state"]["facts"]["charged"] == {"payment": place.key}
