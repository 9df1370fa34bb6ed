"""What tests of the RabbitMQ adapter share: hand-made messages, a hand-made engine, a fresh corner of the real broker."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import aio_pika
from aio_pika import IncomingMessage, Message
from aiormq.abc import DeliveredMessage
from pamqp import commands
from pamqp.header import ContentHeader

from orchestrator.adapters.rabbitmq.layout import layout
from orchestrator.adapters.rabbitmq.management import open_management
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.topology import apply_topology
from orchestrator.errors import EngineUnavailableError
from orchestrator.messages import Envelope, Event
from orchestrator.saga.plan import CallPlan, Plan, SequencePlan, StepPlan, TriggerPlan, WaitPlan
from orchestrator.service.ports import Delivery
from orchestrator.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

    from orchestrator.contracts.protocol import Reply


class OrderPlaced(Event, type="order.placed"):
    order_id: str
    amount: int = 0


class PaymentSettled(Event, type="payment.settled"):
    order_id: str


class Prodded(Event, type="prodded"):
    order_id: str


class Recalled(Event, type="recalled"):
    order_id: str


CE: dict[str, Any] = {"ce-specversion": "1.0", "ce-id": "m1", "ce-source": "/shop", "ce-type": "order.placed"}


def wait_for(event: str, on_missing: str) -> WaitPlan:
    return WaitPlan.model_validate(
        {"id": event, "event": event, "key": "order_id", "gives": event, "within_ms": 1000, "on_missing": on_missing}
    )


PLAN = Plan(
    saga="fulfil",
    version=1,
    trigger=TriggerPlan(event="order.placed", gives="order", key="order_id"),
    root=SequencePlan(
        children=(
            StepPlan(
                id="reserve",
                do=CallPlan(
                    lane="command", handler="reserve", message_type="inventory.reserve", participant="inventory"
                ),
                undo=CallPlan(
                    lane="command", handler="release", message_type="inventory.release", participant="inventory"
                ),
            ),
            wait_for("payment.settled", "buffer"),
            wait_for("prodded", "ignore"),
            wait_for("recalled", "dead_letter"),
        )
    ),
)
MESSAGES = (OrderPlaced, PaymentSettled, Prodded, Recalled)


def envelope(body: bytes = b'{"order_id": "A17"}', **changes: Any) -> Envelope:
    given: dict[str, Any] = {"id": secrets.token_hex(8), "source": "/shop", "type": "order.placed", "body": body}
    return Envelope(**{**given, **changes})


def incoming(
    body: bytes = b"{}",
    headers: dict[str, Any] | None = None,
    *,
    exchange: str = "saga.events",
    routing_key: str = "order.placed",
    **properties: Any,
) -> IncomingMessage:
    """A message as the client library hands it over, without a broker; it cannot be settled."""
    sent = Message(body, headers=CE if headers is None else headers, **properties)
    delivery = commands.Basic.Deliver("tag", 1, redelivered=False, exchange=exchange, routing_key=routing_key)
    channel = cast("Any", SimpleNamespace(is_closed=False))
    header = ContentHeader(properties=sent.properties, body_size=len(body))
    return IncomingMessage(DeliveredMessage(delivery=delivery, header=header, body=body, channel=channel))


@dataclass
class Engine:
    """A hand-made `Executions`: answers what it is told to, remembers what it was asked, can be taken away."""

    answers: dict[str, Delivery] = field(default_factory=dict[str, Delivery])
    available: bool = True
    started: list[str] = field(default_factory=list[str])
    delivered: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    answered: list[Reply] = field(default_factory=list["Reply"])
    probes: int = 0
    calls: Counter[str] = field(default_factory=Counter[str])
    on_call: Callable[[str], object] = lambda _: None
    gates: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    hold: set[str] = field(default_factory=set[str])

    async def start(self, plan: Plan, execution_id: str, trigger: Envelope, payload: Any) -> Delivery:
        await self._called(execution_id)
        self.started.append(execution_id)
        return self.answers.get(execution_id, Delivery.STARTED)

    async def deliver(self, execution_id: str, event: Envelope, payload: Any) -> Delivery:
        await self._called(execution_id)
        self.delivered.append((execution_id, event.id))
        return self.answers.get(execution_id, Delivery.ACCEPTED)

    async def answer(self, reply: Reply) -> Delivery:
        await self._called(reply.execution)
        self.answered.append(reply)
        return self.answers.get(reply.execution, Delivery.ACCEPTED)

    async def is_available(self) -> bool:
        self.probes += 1
        return self.available

    async def _called(self, execution_id: str) -> None:
        self.calls[execution_id] += 1
        self.on_call(execution_id)
        if execution_id in self.hold:
            await self.gates[execution_id].wait()
        if not self.available:
            raise EngineUnavailableError


@dataclass(frozen=True)
class Corner:
    """A part of the real broker with a prefix of its own, everything declared, and a connection to look around."""

    settings: Settings
    names: Names
    connection: AbstractRobustConnection

    async def put(
        self, body: bytes, headers: dict[str, Any] | None = None, *, exchange: str, key: str, **more: Any
    ) -> None:
        """Publish as a stranger would."""
        async with self.connection.channel(on_return_raises=True) as channel:
            target = await channel.get_exchange(exchange, ensure=False)
            message = Message(body, headers=CE if headers is None else headers, delivery_mode=2, **more)
            await target.publish(message, routing_key=key)

    async def event(
        self, body: bytes, headers: dict[str, Any] | None = None, *, key: str = "order.placed", **more: Any
    ) -> None:
        await self.put(body, headers, exchange=self.names.events, key=key, **more)

    async def take(self, queue: str, count: int = 1) -> list[AbstractIncomingMessage]:
        """The next messages of a queue, acknowledged. Waits until they are there."""
        found: list[AbstractIncomingMessage] = []
        enough = asyncio.Event()

        async def keep(message: AbstractIncomingMessage) -> None:
            if len(found) < count:
                found.append(message)
                await message.ack()
            if len(found) == count:
                enough.set()

        async with self.connection.channel() as channel:
            await channel.set_qos(prefetch_count=1)
            source = await channel.get_queue(queue, ensure=False)
            tag = await source.consume(keep)
            async with asyncio.timeout(30):
                await enough.wait()
            await source.cancel(tag)
        return found

    async def parked(self, count: int = 1) -> list[AbstractIncomingMessage]:
        return await self.take(self.names.parking, count)

    async def depth(self, queue: str) -> int:
        """Messages that are ready in a queue."""
        async with self.connection.channel() as channel:
            found = await channel.declare_queue(queue, passive=True)
            return found.declaration_result.message_count or 0

    async def left_in(self, queue: str) -> list[bytes]:
        """Take what is left in a queue once nobody consumes it; what consumers held is then back.

        Bodies only. It is asked by a get, which has its place in a quorum queue's log behind what was given back; the
        number of messages that a queue tells does not.
        """
        async with self.connection.channel() as channel:
            while (await channel.declare_queue(queue, passive=True)).declaration_result.consumer_count:
                await asyncio.sleep(0.02)
        found = list[bytes]()
        while (body := await self._got_from(queue)) is not None:
            found.append(body)
        return found

    async def _got_from(self, queue: str) -> bytes | None:
        """Take one message out of a queue, if there is one.

        A RabbitMQ 3.10 that was killed and has come back may leave a get without an answer. Then another channel asks
        again: what the first one took goes back with it, since it was not acknowledged.
        """
        for left in (2, 1, 0):
            async with self.connection.channel() as channel:
                source = await channel.get_queue(queue, ensure=False)
                try:
                    message = await source.get(fail=False)
                except TimeoutError:
                    if not left:
                        raise
                    continue
                if message is not None:
                    await message.ack()
                return None if message is None else message.body
        raise AssertionError

    async def close_connections(self, purpose: str) -> int:
        """Close connections by force, as an operator would; returns how many. Waits until the broker lists one."""
        name = f"{self.settings.name_prefix}: {purpose}"
        async with open_management(self.settings) as management, asyncio.timeout(30):
            assert management is not None
            while True:
                listed = await management._call("GET", "connections")
                wanted = [item for item in listed if item.get("client_properties", {}).get("connection_name") == name]
                if wanted:
                    break
                await asyncio.sleep(0.2)  # the management API tells nobody
            for item in wanted:
                await management._call("DELETE", f"connections/{item['name'].replace(' ', '%20').replace('>', '%3E')}")
            return len(wanted)


@asynccontextmanager
async def corner(plans: Iterable[Plan] = (PLAN,), **changes: Any) -> AsyncGenerator[Corner]:
    """A fresh corner of the broker of the running environment, removed at the end."""
    prefix = f"t{secrets.token_hex(5)}"
    base = load_settings()
    defaults = {"name_prefix": prefix, "missing_patience": timedelta(seconds=2), "prefetch": 20, "traces": "off"}
    settings = base.model_copy(update={**defaults, **changes})
    plans = tuple(plans)
    await apply_topology(settings, plans)
    connection = await aio_pika.connect_robust(settings.rabbitmq_url.get_secret_value(), reconnect_interval=0.2)
    try:
        yield Corner(settings, Names(prefix), connection)
    finally:
        await remove(settings, plans, connection)
        await connection.close()


async def remove(settings: Settings, plans: Iterable[Plan], connection: AbstractRobustConnection) -> None:
    """Delete everything whose name begins with the corner's prefix."""
    async with open_management(settings) as management, connection.channel() as channel:
        assert management is not None
        for name in await management.queues():
            if name.startswith(f"{settings.name_prefix}."):
                await channel.queue_delete(name)
        wanted = layout(Names(settings.name_prefix), plans)
        for exchange in wanted.exchanges:
            await channel.exchange_delete(exchange.name)
        for policy in wanted.policies:
            await management.delete_policy(policy.name)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something that nobody announces has come true."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)
