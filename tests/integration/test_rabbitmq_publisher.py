import asyncio
from datetime import timedelta

import pytest
from aio_pika import Message
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.errors import (
    BrokerUnavailableError,
    NackedError,
    PublishUnknownError,
    SettingsError,
    UnroutableError,
)
from tests.rabbitmq_kit import corner, envelope

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("environment")]


async def test_a_confirmed_message_is_in_the_queue_with_everything_it_carries():
    async with corner() as here, Publisher.open(here.settings) as publisher:
        sent = envelope(correlation_id="c1", causation_id="m0", headers={"saga-step": "reserve"})
        await publisher.publish(sent, exchange=here.names.events, routing_key=sent.type, reply_to="w1", pairs="p1")
        (got,) = await here.take(here.names.ingress)
    assert got.body == sent.body
    assert (got.message_id, got.correlation_id, got.reply_to, got.delivery_mode) == (sent.id, "p1", "w1", 2)
    assert got.headers["ce-correlationid"] == "c1"
    assert got.headers["ce-causationid"] == "m0"
    assert got.headers["saga-step"] == "reserve"
    assert got.headers["traceparent"] == got.headers["ce-traceparent"]


async def test_a_message_that_no_queue_wants_is_told_and_the_publisher_goes_on():
    async with corner() as here, Publisher.open(here.settings) as publisher:
        with pytest.raises(UnroutableError, match=r"'nobody\.home'"):
            await publisher.publish(envelope(), exchange=here.names.commands, routing_key="nobody.home")
        await publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")
        assert await here.depth(here.names.ingress) == 1


async def test_a_missing_exchange_is_told_and_the_publisher_goes_on():
    async with corner() as here, Publisher.open(here.settings) as publisher:
        with pytest.raises(UnroutableError, match="saga topology apply"):
            await publisher.publish(envelope(), exchange=f"{here.names.prefix}.nowhere", routing_key="x")
        await publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")
        assert await here.depth(here.names.ingress) == 1


async def test_an_event_that_no_saga_wants_is_kept_as_unrouted():
    async with corner() as here, Publisher.open(here.settings) as publisher:
        await publisher.publish(envelope(type="order.paid"), exchange=here.names.events, routing_key="order.paid")
        (got,) = await here.take(here.names.unrouted_queue)
    assert got.type == "order.paid"


async def test_each_of_several_messages_with_one_id_gets_its_own_verdict():
    """In flight together the client library would report the wrong one, and a lost message would look confirmed."""
    async with corner() as here, Publisher.open(here.settings) as publisher:
        one = envelope(id="same")
        keys = ["nobody.home", "inventory.reserve", "inventory.reserve"]
        found = await asyncio.gather(
            *(publisher.publish(one, exchange=here.names.commands, routing_key=key) for key in keys),
            return_exceptions=True,
        )
        assert isinstance(found[0], UnroutableError)
        assert found[1:] == [None, None]
        assert await here.depth(here.names.command_queue("inventory")) == 2


async def test_a_full_queue_refuses():
    async with corner() as here, Publisher.open(here.settings) as publisher, here.connection.channel() as channel:
        name = f"{here.names.prefix}.full"
        await channel.declare_queue(name, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
        with pytest.raises(NackedError, match="full"):
            for _ in range(20):
                await publisher.send(Message(b"x", delivery_mode=2), exchange="", routing_key=name)


async def test_a_broker_that_does_not_answer_in_time_leaves_the_outcome_unknown():
    async with corner(publish_timeout=timedelta(microseconds=1)) as here, Publisher.open(here.settings) as publisher:
        with pytest.raises(PublishUnknownError, match="did not confirm order.placed"):
            await publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")


async def test_after_a_forced_close_it_waits_and_publishes_again():
    async with corner(publish_timeout=timedelta(seconds=30)) as here, Publisher.open(here.settings) as publisher:
        await publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")
        assert await here.close_connections("publisher") == 1
        unknown = 0
        for _ in range(50):
            try:
                await publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")
            except PublishUnknownError:
                unknown += 1
        confirmed = 51 - unknown
        assert await here.depth(here.names.ingress) >= confirmed


async def test_a_drop_in_the_middle_of_many_loses_nothing_that_was_confirmed():
    async with corner(publish_timeout=timedelta(seconds=30)) as here, Publisher.open(here.settings) as publisher:
        confirmed: list[str] = []

        async def publish_one():
            sent = envelope()
            while True:
                try:
                    await publisher.publish(sent, exchange=here.names.events, routing_key="order.placed")
                except PublishUnknownError:
                    continue
                confirmed.append(sent.id)
                return

        closing = asyncio.create_task(here.close_connections("publisher"))
        async with asyncio.TaskGroup() as group:
            while not closing.done():
                for _ in range(20):
                    group.create_task(publish_one())
                await asyncio.sleep(0.01)
        depth = await here.depth(here.names.ingress)
        assert depth >= len(confirmed) > 0
        found = {message.message_id for message in await here.take(here.names.ingress, depth)}
        assert found == set(confirmed)


async def test_a_cancelled_publish_is_cancelled():
    async with corner() as here, Publisher.open(here.settings) as publisher:
        task = asyncio.create_task(
            publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await publisher.publish(envelope(), exchange=here.names.events, routing_key="order.placed")


async def test_a_broker_that_is_not_there_is_told_without_the_password():
    async with corner() as here:
        away = here.settings.model_copy(update={"rabbitmq_url": SecretStr("amqp://user:secret@127.0.0.1:1/")})
        with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1.*SAGA_RABBITMQ_URL") as error:
            async with connected(away, purpose="test"):
                pass
    assert "secret" not in str(error.value)


async def test_a_wrong_password_is_told():
    async with corner() as here:
        url = here.settings.rabbitmq_url.get_secret_value().rpartition("@")[2]
        wrong = here.settings.model_copy(update={"rabbitmq_url": SecretStr(f"amqp://nobody:wrong@{url}")})
        with pytest.raises(BrokerUnavailableError, match="user or password"):
            async with connected(wrong, purpose="test"):
                pass


async def test_tls_without_checking_the_certificate_is_refused():
    async with corner() as here:
        careless = here.settings.model_copy(update={"rabbitmq_url": SecretStr("amqps://127.0.0.1/?no_verify_ssl=1")})
        with pytest.raises(SettingsError, match="no_verify_ssl"):
            async with connected(careless, purpose="test"):
                pass
