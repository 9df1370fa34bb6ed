"""A whole shop on the real servers, in this process: worker, participants, books; with names of its own."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from temporalio.service import RPCError, RPCStatusCode

from orchestrator.adapters.rabbitmq.participants import ParticipantServer
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.sql.databases import open_engine
from orchestrator.adapters.sql.inbox import SqlStore
from orchestrator.messages import Envelope
from sagas import SAGAS
from sagas.order_fulfilment.messages import Line, OrderPlaced
from tests.rabbitmq_kit import Corner, corner
from workers.demo_ports import demo_ports
from workers.participants import books, inventory, payments, shipping
from workers.participants.serving import simulated
from workers.saga_worker import Running, open_worker
from workers.tracing import open_tracing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from orchestrator.settings import Settings

PARTICIPANTS = {"inventory": inventory, "payments": payments, "shipping": shipping}
ALL = tuple(PARTICIPANTS)


@dataclass
class Shop:
    """The shop while it is open."""

    corner: Corner
    running: Running
    engines: dict[str, AsyncEngine]
    run: str

    def order(self, number: int = 1, simulate: str = "", **changes: Any) -> OrderPlaced:
        order = OrderPlaced(
            order_id=f"{self.run}-{number}",
            customer="c1",
            lines=(Line(sku="tea", quantity=2),),
            total_cents=700,
            simulate=simulate,
        )
        return order.model_copy(update=changes)

    async def place(self, order: OrderPlaced, message_id: str = "") -> str:
        body = order.model_dump_json().encode()
        await self.send(order.message_type, body, message_id or f"placed-{order.order_id}")
        return f"fulfil-order:{order.order_id}"

    async def send(
        self, message_type: str, body: bytes, message_id: str, source: str = "test", *, age: timedelta = timedelta(0)
    ) -> None:
        time = datetime.now(UTC) - age
        envelope = Envelope(id=message_id, source=source, type=message_type, body=body, time=time)
        async with Publisher.open(self.corner.settings) as publisher:
            await publisher.publish(envelope, exchange=self.corner.names.events, routing_key=message_type)

    async def result(self, execution_id: str) -> dict[str, Any]:
        """The execution's result; the event that starts it may still be on its way."""
        while True:
            try:
                found: dict[str, Any] = await self.running.client.get_workflow_handle(execution_id).result()
                return found
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await asyncio.sleep(0.05)

    async def effects(self) -> list[tuple[str, str]]:
        """What and direction of each effect, by participant."""
        found: list[tuple[str, str]] = []
        for engine in self.engines.values():
            found += [(effect.what, effect.direction) for effect in await books.read_run(engine, self.run)]
        return found

    @asynccontextmanager
    async def serving(self, *names: str) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for name in names:
                tracing = await stack.enter_async_context(open_tracing(self.corner.settings, name))
                store = SqlStore(self.engines[name], name, books.tables)
                serving = ParticipantServer.open(
                    PARTICIPANTS[name].participant,
                    store,
                    self.corner.settings,
                    drill=simulated(),
                    tracing=tracing,
                )
                await stack.enter_async_context(serving)
            yield


@asynccontextmanager
async def shop(folder: Path, *serving: str, worker: Any = open_worker, **changes: Any) -> AsyncGenerator[Shop]:
    """A shop with the named participants at work; all of it ends with the block. `worker` is opened as `open_worker`."""
    run = f"t{secrets.token_hex(4)}"
    database = f"sqlite:///{folder / 'worker.db'}"
    plans = [saga.plan for saga in SAGAS]
    async with corner(plans, task_queue=f"test-{run}", database_url=SecretStr(database), **changes) as place:
        engines = {name: open_engine(f"sqlite:///{folder / name}.db") for name in ALL}
        settings: Settings = place.settings
        for name, engine in engines.items():
            await SqlStore(engine, name, books.tables).prepare()
        try:
            async with demo_ports(settings) as ports, worker(SAGAS, settings, ports) as running:
                made = Shop(place, running, engines, run)
                async with made.serving(*serving):
                    yield made
        finally:
            for engine in engines.values():
                await engine.dispose()
