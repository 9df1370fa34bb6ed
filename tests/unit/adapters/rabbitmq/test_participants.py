"""What a participant does with a message when the broker does not do its part. The rest is tested on a real one."""

from typing import Any, cast

import pytest

from orchestrator.adapters.rabbitmq import participants
from orchestrator.adapters.rabbitmq.participants import ParticipantServer
from orchestrator.adapters.rabbitmq.wire import to_amqp
from orchestrator.contracts.protocol import read_reply
from orchestrator.errors import NackedError, PublishUnknownError, UnroutableError
from orchestrator.settings import Settings
from tests.metrics_kit import Meter
from tests.participant_kit import ask_for, memory_bench
from tests.rabbitmq_kit import incoming


class FakePublisher:
    """Has a fault for each of its first publishes, or loses the channel at one; then keeps what it gets."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.sent: list[tuple[Any, str, str, str]] = []

    async def publish(self, envelope, *, exchange, routing_key, pairs=""):
        fault = self.faults.pop(0) if self.faults else None
        if callable(fault):
            fault()
            raise PublishUnknownError("dropped")
        if fault is not None:
            raise fault
        self.sent.append((envelope, exchange, routing_key, pairs))

    async def send(self, message, *, exchange, routing_key):
        self.sent.append((message, exchange, routing_key, ""))


class Acks:
    """A channel that remembers what was acknowledged."""

    def __init__(self):
        self.is_closed = False
        self.acked: list[int] = []

    async def basic_ack(self, *, delivery_tag, multiple):
        self.acked.append(delivery_tag)

    def close(self):
        self.is_closed = True


def in_hand(channel, reply_to: str | None = "me", **asked):
    sent = to_amqp(ask_for(**asked))
    message = incoming(sent.body, cast("dict[str, Any]", sent.headers), reply_to=reply_to)
    cast("Any", message)._IncomingMessage__channel = channel
    return message


async def take(publisher, channel, **asked):
    """The bench at which it was handled, and what was sent: exchange, routing key, outcome or type."""
    bench = memory_bench()
    server = ParticipantServer(bench.participant, bench.store, Settings.model_validate({}), cast("Any", publisher))
    await server._take(in_hand(channel, **asked))
    return bench, [(exchange, key) for _, exchange, key, _ in publisher.sent]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(participants, "FIRST_PAUSE", 0)


async def test_a_reply_is_paired_with_its_command_and_then_the_command_is_acknowledged() -> None:
    publisher, channel = FakePublisher(), Acks()
    _, sent = await take(publisher, channel)
    assert sent == [("saga.replies.sent", "me"), ("saga.events", "thing.made")]
    reply, *_, pairs = publisher.sent[0]
    assert (pairs, read_reply(reply).command_id) == (ask_for().id, ask_for().id)
    assert channel.acked == [1]


async def test_a_reply_that_is_not_confirmed_is_sent_again_and_the_command_stays_in_hand() -> None:
    publisher, channel = FakePublisher(NackedError("full"), PublishUnknownError("slow")), Acks()
    _, sent = await take(publisher, channel)
    assert sent[0] == ("saga.replies.sent", "me")
    assert channel.acked == [1]


async def test_a_reply_for_which_nobody_is_bound_goes_to_all_workers() -> None:
    publisher, channel = FakePublisher(UnroutableError(exchange="saga.replies.sent", routing_key="me")), Acks()
    _, sent = await take(publisher, channel)
    assert sent[0] == ("saga.replies.late", "me")
    assert channel.acked == [1]


async def test_a_command_without_a_place_for_its_reply_is_answered_to_all_workers() -> None:
    publisher, channel = FakePublisher(), Acks()
    _, sent = await take(publisher, channel, reply_to=None)
    assert sent[0] == ("saga.replies.sent", "")


async def test_a_command_whose_channel_is_gone_is_left_to_its_redelivery_and_its_event_is_sent_all_the_same() -> None:
    channel = Acks()
    publisher = FakePublisher(channel.close)
    bench, sent = await take(publisher, channel)
    assert sent == [("saga.events", "thing.made")]
    assert channel.acked == []
    assert await bench.made() == ["a"]


async def test_an_event_that_is_not_confirmed_waits_in_the_outbox_and_does_not_hold_up_its_command() -> None:
    publisher, channel = FakePublisher(None, NackedError("full")), Acks()
    bench, sent = await take(publisher, channel)
    assert sent == [("saga.replies.sent", "me")]
    assert channel.acked == [1]
    assert len(await bench.store.unsent(10)) == 1


async def test_commands_are_counted_by_what_they_came_to_and_their_types_only_if_they_are_known() -> None:
    meter, bench = Meter(), memory_bench()
    publisher = cast("Any", FakePublisher())
    server = ParticipantServer(bench.participant, bench.store, Settings.model_validate({}), publisher, meter=meter)
    await server._take(in_hand(Acks()))
    await server._take(in_hand(Acks(), body=b"not JSON"))
    name, kind = bench.participant.name, ask_for().type
    assert meter.counted == {
        ("saga.participant.commands", name, kind, "ok"): 1,
        ("saga.participant.commands", name, "", "refused"): 1,
    }
    assert [len(taken) for taken in meter.recorded.values()] == [1]
    assert {metric: list(read()) for metric, read in meter.observed.items()} == {
        "saga.outbox.waiting": [(0, (name,))],
        "saga.outbox.age": [(0.0, (name,))],
    }
