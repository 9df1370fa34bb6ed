import asyncio
from datetime import timedelta

import pytest

from orchestrator.adapters.rabbitmq import consumer as consumers
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.consumer import Consumer, acknowledge, is_gone
from orchestrator.errors import TopologyError
from tests.rabbitmq_kit import corner, until

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


class Keeper:
    """Acknowledges what it gets; holds each message until told to go on, if it is to hold."""

    def __init__(self):
        self.bodies: list[bytes] = []
        self.settled: list[bool] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.running = self.most = 0
        self.faults = 0

    async def __call__(self, message):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            self.bodies.append(message.body)
            await self.go_on.wait()
            if self.faults:
                self.faults -= 1
                raise ZeroDivisionError
            self.settled.append(await acknowledge(message))
        finally:
            self.running -= 1


async def test_messages_are_handled_and_acknowledged():
    keeper = Keeper()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=5) as consumer:
            for number in range(10):
                await here.event(b"%d" % number)
            await until(lambda: len(keeper.settled) == 10)
            assert await consumer.is_healthy()
        assert await here.depth(here.names.ingress) == 0
    assert sorted(keeper.bodies) == [b"%d" % number for number in range(10)]


async def test_no_more_are_in_hand_than_allowed():
    keeper = Keeper()
    keeper.go_on.clear()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=3) as consumer:
            for number in range(10):
                await here.event(b"%d" % number)
            await until(lambda: len(keeper.bodies) == 3)
            assert consumer.in_hand == 3
            keeper.go_on.set()
            await until(lambda: len(keeper.settled) == 10)
    assert keeper.most <= 3


async def test_a_paused_consumer_takes_nothing_and_goes_on_when_told():
    keeper = Keeper()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=5) as consumer:
            await consumer.pause()
            assert consumer.is_paused
            assert await consumer.is_healthy()
            await here.event(b"1")
            assert await here.depth(here.names.ingress) == 1
            assert keeper.bodies == []
            await consumer.resume()
            await until(lambda: keeper.settled == [True])


async def test_a_missing_queue_is_told():
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        with pytest.raises(TopologyError, match="saga topology apply"):
            async with Consumer(connection, f"{here.names.prefix}.nothing", Keeper(), prefetch=1):
                pass


async def test_a_handler_goes_on_when_the_connection_drops_and_the_message_comes_again():
    keeper = Keeper()
    keeper.go_on.clear()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=5) as consumer:
            await here.event(b"1")
            await until(lambda: keeper.bodies == [b"1"])
            await here.close_connections("consumer")
            await until(lambda: keeper.bodies == [b"1", b"1"])
            keeper.go_on.set()
            await until(lambda: len(keeper.settled) == 2)
            assert sorted(keeper.settled) == [False, True]
            assert await consumer.is_healthy()
        assert await here.depth(here.names.ingress) == 0


async def test_a_drop_while_paused_does_not_bring_the_consumer_back():
    keeper = Keeper()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=5) as consumer:
            await consumer.pause()
            await here.close_connections("consumer")
            await connection.ready()
            await here.event(b"1")
            await asyncio.wait_for(consumer.resume(), 30)
            await until(lambda: keeper.settled == [True])


async def test_a_queue_that_was_deleted_and_made_again_is_consumed_again():
    keeper = Keeper()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with (
            Consumer(connection, here.names.ingress, keeper, prefetch=5) as consumer,
            here.connection.channel() as channel,
        ):
            await channel.queue_delete(here.names.ingress)
            await until_async(lambda: _is_not(consumer.is_healthy()))
            # Classic: RabbitMQ 3.10 delivers a quorum queue that comes back within milliseconds to nobody.
            await channel.declare_queue(here.names.ingress, durable=True)
            await until_async(consumer.is_healthy)
            await here.put(b"1", exchange="", key=here.names.ingress)
            await until(lambda: keeper.settled == [True])


async def test_a_fault_gives_the_message_back_and_it_is_tried_again(monkeypatch):
    monkeypatch.setattr(consumers, "PAUSE", 0.01)
    keeper = Keeper()
    keeper.faults = 2
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=5):
            await here.event(b"1")
            await until(lambda: keeper.settled == [True])
    assert keeper.bodies == [b"1"] * 3


async def test_draining_lets_those_in_hand_end_and_leaves_the_rest():
    keeper = Keeper()
    keeper.go_on.clear()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=2) as consumer:
            for number in range(5):
                await here.event(b"%d" % number)
            await until(lambda: len(keeper.bodies) == 2)
            draining = asyncio.create_task(consumer.drain(timedelta(seconds=30)))
            await until(lambda: consumer.is_paused)
            keeper.go_on.set()
            await draining
            assert keeper.settled == [True, True]
        assert await here.depth(here.names.ingress) == 3


async def test_stopping_at_once_returns_what_is_in_hand():
    keeper = Keeper()
    keeper.go_on.clear()
    async with corner() as here, connected(here.settings, purpose="consumer") as connection:
        async with Consumer(connection, here.names.ingress, keeper, prefetch=2):
            await here.event(b"1")
            await until(lambda: keeper.bodies == [b"1"])
        (message,) = await here.take(here.names.ingress)
        assert message.redelivered
        assert keeper.settled == []


async def test_a_message_knows_that_its_channel_is_gone():
    async with corner() as here:
        await here.event(b"1")
        (message,) = await here.take(here.names.ingress)
        assert is_gone(message)
        assert not await acknowledge_again(message)


async def acknowledge_again(message):
    """As a handler would that did not notice."""
    message._IncomingMessage__processed = False
    return await acknowledge(message)


async def _is_not(question):
    return not await question


async def until_async(question):
    async with asyncio.timeout(60):
        while not await question():
            await asyncio.sleep(0.1)
