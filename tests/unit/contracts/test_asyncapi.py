"""The AsyncAPI document fits the official schema, and says who sends what to whom."""

import gzip
import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from orchestrator.contracts.asyncapi import asyncapi
from orchestrator.service.contracts import contracts_of
from sagas import SAGAS
from tests.conftest import PROJECT

OFFICIAL = PROJECT / "tests" / "vendor" / "asyncapi-3.0.0.json.gz"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    contracts = contracts_of(SAGAS)
    # As it is printed: plain JSON values.
    printed: dict[str, Any] = json.loads(json.dumps(asyncapi(contracts, title="shop", version="1.2.3", prefix="saga")))
    return printed


def test_it_fits_the_official_schema(document) -> None:
    official = Draft7Validator(json.loads(gzip.decompress(OFFICIAL.read_bytes())))
    assert [error.message for error in official.iter_errors(document)] == []
    assert not official.is_valid({**document, "channels": {"x": {"address": 1}}})


def test_sagas_receive_events_and_send_commands_whose_reply_is_told(document) -> None:
    operations = document["operations"]
    assert operations["receive.order.placed"]["action"] == "receive"
    assert operations["receive.order.placed"]["summary"] == "taken by fulfil-order"
    sent = operations["send.payments.charge"]
    assert sent["action"] == "send"
    assert sent["reply"]["channel"] == {"$ref": "#/channels/payments.charged"}
    assert "send.order.fulfilled" in operations
    assert "receive.payments.charged" not in operations


def test_channels_are_the_exchanges_of_the_broker(document) -> None:
    exchanges = {
        name: channel["bindings"]["amqp"]["exchange"]["name"] for name, channel in document["channels"].items()
    }
    assert exchanges["order.placed"] == "saga.events"
    assert exchanges["payments.charge"] == "saga.commands"
    assert exchanges["payments.charged"] == "saga.replies.sent"
    assert document["channels"]["payments.charged"]["address"] is None


def test_every_reference_leads_somewhere(document) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [found for item in value for found in references(item)]
        if not isinstance(value, dict):
            return []
        here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return here + [found for part in value.values() for found in references(part)]

    found = references(document)
    assert any(".Line" in reference for reference in found)
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
