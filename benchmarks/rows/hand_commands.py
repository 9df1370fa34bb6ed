"""By hand, with a participant over RabbitMQ: each activity publishes a command, and the reply completes it."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Never

import aio_pika
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from benchmarks.broker import corner
from benchmarks.orders import Order
from benchmarks.responding import responding
from benchmarks.rows.commands import SHOP
from benchmarks.rows.commands import saga as ours
from benchmarks.rows.hand_written import Done, NormalSaga, performer
from benchmarks.rows.opened import Opened, Place
from orchestrator.adapters.rabbitmq.names import Names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

PREFETCH = 50
TOKEN, UNDOES = "task-token", "undoes"


class AskingShop:
    """The activities of `NormalSaga`; their names are the same, their work is done elsewhere."""

    def __init__(self, commands: AbstractExchange, reply_to: str) -> None:
        self._commands = commands
        self._reply_to = reply_to

    def all(self) -> Sequence[Callable[..., Any]]:
        """All of them."""
        forward = [self.reserve, self.charge, self.label, self.carrier, self.receipt]
        return [*forward, self.undo_reserve, self.undo_charge, self.undo_label]

    async def _ask(self, order: Order, step: str) -> Never:
        info = activity.info()
        message = aio_pika.Message(
            json.dumps({"order_id": order.order_id, "refused": order.refused and step == "carrier"}).encode(),
            headers={TOKEN: base64.b64encode(info.task_token).decode(), UNDOES: step.startswith("undo-")},
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=f"{order.order_id}-{step}",
            reply_to=self._reply_to,
            type=f"bench.{step}",
        )
        await self._commands.publish(message, routing_key=f"bench.{step}")
        activity.raise_complete_async()

    @activity.defn
    async def reserve(self, order: Order) -> Done:
        """Take the pieces off the shelf."""
        return await self._ask(order, "reserve")

    @activity.defn
    async def undo_reserve(self, order: Order) -> None:
        """Put them back."""
        await self._ask(order, "undo-reserve")

    @activity.defn
    async def charge(self, order: Order) -> Done:
        """Take the money."""
        return await self._ask(order, "charge")

    @activity.defn
    async def undo_charge(self, order: Order) -> None:
        """Give it back."""
        await self._ask(order, "undo-charge")

    @activity.defn
    async def label(self, order: Order) -> Done:
        """Print the label."""
        return await self._ask(order, "label")

    @activity.defn
    async def undo_label(self, order: Order) -> None:
        """Void it."""
        await self._ask(order, "undo-label")

    @activity.defn
    async def carrier(self, order: Order) -> Done:
        """Book a carrier, who may refuse."""
        return await self._ask(order, "carrier")

    @activity.defn
    async def receipt(self, order: Order) -> Done:
        """Send the receipt."""
        return await self._ask(order, "receipt")


class Replies:
    """Completes the activity that each reply answers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Complete or fail the activity, then acknowledge."""
        asked = self._client.get_async_activity_handle(task_token=base64.b64decode(str(message.headers[TOKEN])))
        if message.headers["saga-outcome"] == "completed":
            await asked.complete(None if message.headers[UNDOES] else Done(**json.loads(message.body)))
        else:
            reason = str(message.headers["saga-error-reason"])
            await asked.fail(ApplicationError(reason, type="Refused", non_retryable=True))
        await message.ack()


@asynccontextmanager
async def hand_commands(place: Place) -> AsyncGenerator[Opened]:
    """The row: the broker is laid out as for our own."""
    settings, names = place.settings, Names(place.settings.name_prefix)
    client = await Client.connect(settings.temporal_address, namespace=settings.temporal_namespace)
    url = settings.rabbitmq_url.get_secret_value()
    async with (
        corner(settings, [ours.plan]),
        responding("bare", settings, SHOP) as responder,
        await aio_pika.connect_robust(url) as sending,
        await aio_pika.connect_robust(url) as receiving,
    ):
        commands = await (await sending.channel()).get_exchange(names.commands, ensure=False)
        channel = await receiving.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.declare_queue(names.reply_queue("by-hand"), durable=True)
        await queue.bind(names.replies, routing_key="by-hand")
        await queue.consume(Replies(client).take)
        shop = AskingShop(commands, "by-hand")
        async with Worker(client, task_queue=settings.task_queue, workflows=[NormalSaga], activities=shop.all()):
            perform = performer(client, NormalSaga, settings.task_queue)
            watched = {"responder": responder.process}
            yield Opened(perform, client, lambda placed: placed.order_id, responder.read_ledger, watched)
