"""The shop of the demo as processes of its own, and slices of orders for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.console import Console
from temporalio.service import RPCError, RPCStatusCode

from benchmarks.broker import corner
from benchmarks.processes import Process
from benchmarks.traces.figures import RATIOS, Slice
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.telemetry.reading import read
from orchestrator.adapters.temporal.connecting import connect
from sagas import SAGAS
from sagas.order_fulfilment.messages import Line, OrderPlaced
from workers.demo_orders import DemoOrder
from workers.demo_processes import PARTICIPANTS, Crew
from workers.demo_turn import consumers_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator
    from pathlib import Path

    from temporalio.client import Client

    from orchestrator.settings import Settings

OPEN = 8
"""Orders that are under way at once: few, so that a machine with other work answers all commands in time."""
DECLINED_EVERY = 10
"""One order in so many is declined, and what was done for it is undone."""
WORDS = {"": "Completed", "payment-declined": "Compensated"}
"""How orders end. One whose participant did not answer in time is undone too: that is counted, and no fault."""
SETTLE_S = 0.8
"""Spans and ledger are written up to half a second later: so long a slice waits before its time is read."""
LOOK_EVERY_S = 0.02


@dataclass(slots=True)
class Shop:
    """A shop at work.

    Attributes:
        numbers: of orders. `late`: how many of them were undone because a participant did not answer in time.
        faults: orders that ended as they should not, spans that should not be there or are missing.
    """

    manner: str
    settings: Settings
    crew: Crew
    client: Client
    publisher: Publisher
    numbers: Iterator[int]
    faults: list[str]
    late: int = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, manner: str, settings: Settings, folder: Path) -> AsyncGenerator[Shop]:
        """Worker and participants, each a process, with names, databases and traces of their own."""
        own = _own(settings, manner, folder)
        async with (
            corner(own, [saga.plan for saga in SAGAS]),
            Crew.started(own, folder, Console(quiet=True)) as crew,
            Publisher.open(own) as publisher,
        ):
            shop = cls(manner, own, crew, await connect(own), publisher, count(1), [])
            await shop.until_ready()
            yield shop
            shop.check_traces()

    async def until_ready(self) -> None:
        """Wait until worker and participants take messages."""
        names = Names(self.settings.name_prefix)
        queues = [names.ingress, *(names.command_queue(name) for name in PARTICIPANTS)]
        async with connected(self.settings, purpose="measuring") as connection:
            while not all([await consumers_of(connection, queue) for queue in queues]):
                await self.crew.tend()
                await asyncio.sleep(LOOK_EVERY_S)

    async def take(self, number: int) -> Slice:
        """So many orders, a few of them at once, until all have ended."""
        before = self._spent()
        orders = [self._order(next(self.numbers)) for _ in range(number)]
        waiting = iter(orders)
        await asyncio.gather(*(self._one_after_another(waiting) for _ in range(OPEN)))
        await asyncio.sleep(SETTLE_S)
        worker, participants = ((after - then) / number for after, then in zip(self._spent(), before, strict=True))
        return Slice(worker, participants)

    def check_traces(self) -> None:
        """See that all is traced, or nothing, where it should be so."""
        placed, ratio = next(self.numbers) - 1, RATIOS[self.manner]
        folder = self.settings.trace_folder
        roots = {one.execution_id for one in read(folder) if not one.parent_id} if folder.is_dir() else set[str]()
        if ratio in {None, 1.0} and len(roots) != placed * (ratio or 0):
            self.faults.append(f"{self.manner}: {len(roots)} of {placed} executions have their traces")

    def _spent(self) -> tuple[float, float]:
        participants = sum(Process(self.crew.pid(name)).cpu_ms() for name in PARTICIPANTS)
        return Process(self.crew.pid("worker")).cpu_ms(), participants

    def _order(self, number: int) -> DemoOrder:
        order_id = f"{self.settings.name_prefix}-{number}"
        placed = OrderPlaced(
            order_id=order_id,
            customer=f"c{number % 97}",
            lines=(Line(sku="tea", quantity=2),),
            total_cents=100 + number,
            simulate="" if number % DECLINED_EVERY else "payment-declined",
        )
        return DemoOrder(placed, f"fulfil-order:{order_id}")

    async def _one_after_another(self, orders: Iterable[DemoOrder]) -> None:
        events = Names(self.settings.name_prefix).events
        for order in orders:
            envelope = order.envelope()
            await self.publisher.publish(envelope, exchange=events, routing_key=envelope.type)
            word = await self._word_of(order.execution_id)
            if word not in WORDS.values():
                self.faults.append(f"{order.execution_id} ended as {word}")
            self.late += word != WORDS[order.placed.simulate]

    async def _word_of(self, execution_id: str) -> str:
        """How it ends; the event that starts it is on its way."""
        while True:
            try:
                return str((await self.client.get_workflow_handle(execution_id).result())["word"])
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await asyncio.sleep(LOOK_EVERY_S)


def _own(settings: Settings, manner: str, folder: Path) -> Settings:
    ratio = RATIOS[manner]
    own = {
        "task_queue": folder.name,
        "name_prefix": folder.name,
        "ledger_url": SecretStr(f"sqlite:///{folder}/ledger.db"),
        "traces": "off" if ratio is None else "file",
        "trace_ratio": 1.0 if ratio is None else ratio,
        "trace_folder": folder / "traces",
        "trace_files": 1_000,
        "event_store": False,
        "health_port": 0,
    }
    return settings.model_copy(update=own)
