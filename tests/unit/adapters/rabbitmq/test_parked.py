import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from orchestrator.adapters.rabbitmq import parking
from orchestrator.adapters.rabbitmq.ladder import SETTLED, SINCE, read_trail
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.parked import (
    REDRIVEN,
    RabbitRedriver,
    attributes_of,
    data_of,
    read_parked,
    to_send,
    way_back,
)
from orchestrator.errors import MalformedMessageError, UnroutableError
from orchestrator.service.parked_records import Content, Origin
from tests.rabbitmq_kit import CE, incoming

NAMES = Names("saga")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AT_MS = 1_767_323_045_000
ORIGIN = Origin(NAMES.ingress, NAMES.events, "order.placed")
PARKED: dict[str, Any] = {
    **CE,
    "ce-correlationid": "c1",
    parking.REASON: "wrong-schema",
    parking.TEXT: "it does not fit",
    parking.EXCHANGE: NAMES.events,
    parking.ROUTING_KEY: "order.placed",
    parking.QUEUE: NAMES.ingress,
    parking.TIME: AT.isoformat(),
    parking.CANDIDATES: '["trip:1"]',
}


def death(**changes: Any) -> dict[str, Any]:
    entry = {
        "count": 1,
        "reason": "delivery_limit",
        "queue": "saga.commands.inventory",
        "time": AT,
        "exchange": "saga.commands",
        "routing-keys": ["inventory.reserve"],
    }
    return {**entry, **changes}


def test_what_our_parking_wrote_is_read() -> None:
    copy = read_parked(incoming(b"{}", PARKED, correlation_id="x", reply_to="w1", type="t"), NAMES)
    assert (copy.reason, copy.text, copy.origin, copy.home) == (
        "wrong-schema",
        "it does not fit",
        ORIGIN,
        NAMES.ingress,
    )
    assert (copy.at_ms, copy.candidates) == (AT_MS, ("trip:1",))
    said = copy.attributes
    assert (said.id, said.source, said.type, said.correlation_id) == ("m1", "/shop", "order.placed", "c1")
    assert copy.content.headers == {**CE, "ce-correlationid": "c1"}
    assert copy.content.properties == {"correlation_id": "x", "reply_to": "w1", "type": "t"}


def test_what_the_broker_gave_up_says_so_whatever_a_stranger_wrote() -> None:
    forged = {**PARKED, "x-death": [death(), death(queue="older")]}
    copy = read_parked(incoming(b"{}", forged), NAMES)
    assert copy.reason == "delivery-limit"
    assert copy.text.startswith("saga.commands.inventory: it was handed over again and again")
    assert copy.origin == Origin("saga.commands.inventory", "saga.commands", "inventory.reserve")
    assert (copy.at_ms, copy.candidates) == (AT_MS, ())
    assert "x-death" not in copy.content.headers


@pytest.mark.parametrize(
    ("word", "reason"),
    [("rejected", "rejected"), ("maxlen", "queue-full"), ("odd", "unexplained"), ("", "unexplained")],
)
def test_other_ways_of_giving_up_are_told_apart(word, reason) -> None:
    entry = death(reason=word, time="no time", **{"routing-keys": None})
    copy = read_parked(incoming(b"{}", {**CE, "x-death": [entry]}), NAMES)
    assert (copy.reason, copy.origin.routing_key, copy.at_ms) == (reason, "", 0)


def test_a_message_that_a_stranger_put_there_is_taken_without_an_origin() -> None:
    copy = read_parked(incoming(b"\xff", {}, timestamp=AT), NAMES)
    assert (copy.reason, copy.origin, copy.at_ms) == ("unexplained", Origin(), AT_MS)
    assert not copy.origin.is_known
    assert read_parked(incoming(b"{}", {"x-death": "no list", parking.CANDIDATES: "{"}), NAMES).candidates == ()


def test_a_time_that_cannot_be_read_is_none() -> None:
    assert read_parked(incoming(b"{}", {**PARKED, parking.TIME: "noon"}), NAMES).at_ms == 0


def test_an_event_that_nobody_was_bound_for_is_the_relays() -> None:
    copy = read_parked(incoming(b"{}", {**PARKED, parking.QUEUE: NAMES.unrouted_queue}), NAMES)
    assert (copy.origin.queue, copy.home) == (NAMES.unrouted_queue, NAMES.ingress)


def test_a_delivery_count_makes_no_other_copy() -> None:
    assert read_parked(incoming(b"{}", {**PARKED, "x-delivery-count": 3}), NAMES) == read_parked(
        incoming(b"{}", PARKED), NAMES
    )


def test_structured_mode_is_read_from_the_body() -> None:
    body = json.dumps({"specversion": "1.0", "id": "m9", "source": "/s", "type": "t", "data": {"a": 1}}).encode()
    content = Content(body=body, properties={"content_type": "application/cloudevents+json"})
    assert (attributes_of(content).id, attributes_of(content).type) == ("m9", "t")
    assert data_of(content) == b'{"a":1}'
    broken = Content(body=b"no", properties=content.properties)
    assert attributes_of(broken).id == ""
    with pytest.raises(MalformedMessageError):
        data_of(broken)


def test_attributes_that_cannot_be_read_are_empty() -> None:
    assert attributes_of(Content(body=b"", headers={"ce-id": ["a list"], "saga-id": 7})).id == ""
    assert attributes_of(Content(body=b"", headers={"saga-id": "trip:1"})).execution == "trip:1"


@pytest.mark.parametrize("queue", [NAMES.ingress, NAMES.replies, NAMES.command_queue("inventory")])
def test_a_message_of_ours_goes_back_into_its_queue_past_the_exchange(queue) -> None:
    assert way_back(Origin(queue, NAMES.events, "k"), NAMES) == (NAMES.retry_back, f"redriven.{queue}")


@pytest.mark.parametrize("queue", [NAMES.unrouted_queue, "billing.in"])
def test_a_message_that_no_queue_of_ours_refused_is_published_as_it_was_first(queue) -> None:
    assert way_back(Origin(queue, NAMES.events, "k"), NAMES) == (NAMES.events, "k")


def test_a_redriven_message_has_its_ids_and_fresh_patience_and_is_not_told_twice() -> None:
    headers = {**PARKED, SINCE: "2020-01-01T00:00:00+00:00", SETTLED: '["trip:9"]', "x-raw": bytearray(b"\x00")}
    copy = read_parked(incoming(b"{}", headers, message_id="m1", timestamp=AT, app_id="shop"), NAMES)
    sent = to_send("row", copy.content, copy.origin, AT)
    assert (sent.message_id, sent.timestamp, sent.app_id, sent.delivery_mode) == ("m1", AT, "shop", 2)
    assert (sent.headers["ce-id"], sent.headers["x-raw"], sent.headers[REDRIVEN]) == ("m1", b"\x00", "row")
    back = incoming(b"{}", dict(sent.headers), exchange=NAMES.retry_back)
    trail = read_trail(back, NAMES, datetime.now(UTC))
    assert (trail.retries, trail.since, trail.settled) == (0, AT, ("trip:9",))
    assert (trail.exchange, trail.routing_key) == (NAMES.events, "order.placed")


def test_an_account_of_the_ladder_that_cannot_be_read_is_none() -> None:
    content = Content(body=b"", headers={SETTLED: "no list"})
    assert to_send("row", content, ORIGIN, AT).headers[SETTLED] == "[]"


class Fake:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[tuple[str, str]] = []

    async def send(self, _message, *, exchange, routing_key):
        if self.error:
            raise self.error
        self.sent.append((exchange, routing_key))


async def test_it_is_sent_by_its_way_back() -> None:
    fake = Fake()
    await RabbitRedriver(cast("Any", fake), NAMES).send("row", Content(body=b"{}"), ORIGIN)
    assert fake.sent == [(NAMES.retry_back, "redriven.saga.ingress")]


async def test_without_an_origin_nothing_is_sent() -> None:
    fake = Fake()
    with pytest.raises(UnroutableError):
        await RabbitRedriver(cast("Any", fake), NAMES).send("row", Content(body=b"{}"), Origin())
    assert fake.sent == []


async def test_what_cannot_be_written_is_a_fault_of_the_message() -> None:
    redriver = RabbitRedriver(cast("Any", Fake(TypeError("too long"))), NAMES)
    with pytest.raises(MalformedMessageError, match="too long"):
        await redriver.send("row", Content(body=b"{}"), ORIGIN)
