"""A stored message on the wire once more: what stays, what is new, what cannot be sent."""

import pytest

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.resending import ELSEWHERE, FOREIGN, RabbitResender, once_more
from orchestrator.errors import PublishError
from tests.event_kit import stored

NAMES = Names("saga")


def event(**changes):
    given = {
        "kind": "event",
        "exchange": "saga.events",
        "routing_key": "order.placed",
        "headers": {"ce-id": "m1", "ce-source": "/shop", "ce-sequence": "0007", "tenant": "t1"},
    }
    return stored(1, **{**given, **changes})


@pytest.mark.parametrize("name", ["ce-id", "cloudEvents_id", "cloudEvents:id"])
def test_the_id_is_new_under_its_own_name_and_the_rest_stays(name) -> None:
    body = b"\x00\x01 no json"
    kept = {"ce-time": "2026-11-26T00:00:00Z", "ce-source": "/shop", "tenant": "t1"}
    headers = {name: "m1", **kept, "content-type": "avro/binary"}
    made = once_more(event(headers=headers, body=body), "new", reaches=False)
    assert made.headers == {name: "new", **kept, "saga-replay-of": "m1"}
    assert (made.body, made.content_type, made.message_id) == (body, "avro/binary", "new")


def test_only_who_says_so_reaches_participants() -> None:
    made = once_more(event(headers={"ce-id": "m1", "saga-replay-reaches": "participants"}), "new", reaches=False)
    assert "saga-replay-reaches" not in made.headers
    made = once_more(event(), "new", reaches=True)
    assert (made.headers["saga-replay-reaches"], made.content_type) == ("participants", "application/json")


def test_one_without_a_time_says_when_it_was_so_that_nobody_takes_it_for_new() -> None:
    assert once_more(event(), "new", reaches=False).headers["ce-time"] == "2023-11-14T22:13:20.001000+00:00"


def test_one_that_came_in_structured_mode_goes_in_binary_mode() -> None:
    structured = event(
        headers={"content-type": "application/cloudevents+json; charset=utf-8"}, body=b'{"a": 1}', version=2
    )
    made = once_more(structured, "new", reaches=False)
    told = {name: made.headers[f"ce-{name}"] for name in ("id", "source", "type", "specversion", "dataversion")}
    assert told == {"id": "new", "source": "/shop", "type": "payments.charge", "specversion": "1.0", "dataversion": "2"}
    assert (made.body, made.content_type) == (b'{"a": 1}', "application/json")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"exchange": "other"}, ELSEWHERE),
        ({"headers": {"content-type": "application/vnd.masstransit+json"}}, FOREIGN),
        ({"headers": {"content-type": "application/cloudevents+json"}, "body": b"\x00"}, FOREIGN),
        ({"headers": {"content-type": "application/cloudevents+json"}}, ""),
    ],
    ids=str,
)
def test_what_cannot_be_sent_as_it_was_is_told(changes, why) -> None:
    assert RabbitResender(None, NAMES).why_not(event(**changes)) == why


async def test_without_a_broker_nothing_is_sent() -> None:
    with pytest.raises(PublishError):
        await RabbitResender(None, NAMES).send(event(), "new", reaches=False)
