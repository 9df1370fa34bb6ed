from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.adapters.rabbitmq import settling
from orchestrator.adapters.rabbitmq.names import RETRY_STEPS, Names
from orchestrator.adapters.rabbitmq.parking import CANDIDATES, EXCHANGE, QUEUE, REASON, RETRIES, ROUTING_KEY, TEXT, Why
from orchestrator.adapters.rabbitmq.settling import Settler
from orchestrator.errors import NackedError
from tests.rabbitmq_kit import incoming

NAMES = Names("saga")


class FakePublisher:
    """Refuses `failures` times, then keeps what it gets."""

    def __init__(self, failures=0):
        self.failures = failures
        self.sent: list[tuple[Any, str, str]] = []

    async def send(self, message, *, exchange, routing_key):
        if self.failures:
            self.failures -= 1
            raise NackedError("full")
        self.sent.append((message, exchange, routing_key))


class Acks:
    """A channel that remembers what was acknowledged."""

    def __init__(self, is_closed=False):
        self.is_closed = is_closed
        self.acked: list[int] = []

    async def basic_ack(self, *, delivery_tag, multiple):
        self.acked.append(delivery_tag)


def in_hand(channel, **properties):
    message = incoming(b"\xff", {"ce-id": "m1"}, **properties)
    message._IncomingMessage__channel = channel
    return message


def settler(publisher):
    return Settler(cast("Any", publisher), NAMES, NAMES.ingress)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(settling, "FIRST_PAUSE", 0)


async def test_a_parked_message_says_why_and_from_where():
    publisher, channel = FakePublisher(), Acks()
    assert await settler(publisher).park(in_hand(channel), Why("ended", "it has ended", ("fulfil:A17",)))
    ((message, exchange, key),) = publisher.sent
    assert (exchange, key) == (NAMES.dead_letters, NAMES.ingress)
    headers = message.headers
    assert (headers[REASON], headers[TEXT], headers[QUEUE]) == ("ended", "it has ended", NAMES.ingress)
    assert (headers[EXCHANGE], headers[ROUTING_KEY], headers[RETRIES]) == ("saga.events", "order.placed", "0")
    assert headers[CANDIDATES] == '["fulfil:A17"]'
    assert message.body == b"\xff"
    assert channel.acked == [1]


async def test_a_message_that_is_put_off_goes_to_the_rung_and_comes_back_to_its_queue():
    publisher, channel = FakePublisher(), Acks()
    assert await settler(publisher).put_off(in_hand(channel), RETRY_STEPS[1], settled=("a:1",))
    ((message, exchange, key),) = publisher.sent
    assert (exchange, key) == (NAMES.retry, "5s.saga.ingress")
    assert message.headers["saga-relay-retries"] == "1"
    assert message.headers["saga-relay-settled"] == '["a:1"]'
    assert channel.acked == [1]


async def test_a_message_is_passed_on_as_it_is():
    publisher, channel = FakePublisher(), Acks()
    assert await settler(publisher).pass_on(in_hand(channel), exchange="x", routing_key="k")
    ((message, exchange, key),) = publisher.sent
    assert (exchange, key, message.headers) == ("x", "k", {"ce-id": "m1"})


async def test_it_is_held_until_the_broker_has_the_copy():
    publisher, channel = FakePublisher(failures=3), Acks()
    assert await settler(publisher).park(in_hand(channel), Why("ended", "text"))
    assert len(publisher.sent) == 1
    assert channel.acked == [1]


async def test_a_message_whose_channel_is_gone_is_left_to_the_broker():
    publisher, channel = FakePublisher(), Acks(is_closed=True)
    assert not await settler(publisher).park(in_hand(channel), Why("ended", "text"))
    assert not await settler(publisher).acknowledge(in_hand(channel))
    assert publisher.sent == []


def test_the_fake_channel_is_what_the_message_asks():
    assert in_hand(SimpleNamespace(is_closed=False)).channel.is_closed is False
