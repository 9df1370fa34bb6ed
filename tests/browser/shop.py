"""The shop of the tests in a browser: real servers, the demo's saga and participants, and a real `saga console`.

Worker, participants and recorder run in the tests' own process: six more of them take longer to begin than the tests.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.participants import ParticipantServer
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.topology import apply_topology
from orchestrator.adapters.sql.inbox import open_store
from orchestrator.adapters.sql.migrating import migrate_at
from orchestrator.messages import Envelope
from orchestrator.settings import load_settings
from sagas import SAGAS
from sagas.order_fulfilment.messages import Line, OrderPlaced
from workers.demo_ports import demo_ports
from workers.demo_processes import PACKAGES, environment_of
from workers.participants import inventory, payments, shipping
from workers.participants.serving import simulated
from workers.recorder import open_recorder
from workers.saga_worker import open_worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from orchestrator.settings import Settings

STUCK, PARKED, DECLINED = "refund-refused", "no-shipment-number", "payment-declined"
"""How an order may go, as the demo's participants simulate it."""
PATIENCE_S = 120
"""How long a process may take to begin, or an execution to come somewhere: machines that build are busy."""
WHY = "the customer asked for it by telephone"


@dataclass
class Shop:
    """The shop while it is open; `address` is that of its console."""

    settings: Settings
    folder: Path
    address: str
    api: httpx.AsyncClient
    run: str = field(default_factory=lambda: f"b{secrets.token_hex(3)}")
    console: asyncio.subprocess.Process | None = None
    ordered: int = 0

    async def order(self, simulate: str = "", *, pieces: int = 2, suffix: str = "", customer: str = "c1") -> str:
        """Publish one order; the execution that it starts."""
        self.ordered += 1
        placed = OrderPlaced(
            order_id=f"{self.run}-{self.ordered:03}{suffix}",
            customer=customer,
            lines=(Line(sku="tea", quantity=pieces),),
            total_cents=1_250,
            simulate=simulate,
        )
        await self._publish(placed.order_id, placed.model_dump_json().encode())
        return f"fulfil-order:{placed.order_id}"

    async def spoil(self, wrong: str = '"much"') -> tuple[str, str]:
        """Publish an order that costs no number: the parked message that it becomes, and the execution it is meant for."""
        self.ordered += 1
        order_id = f"{self.run}-{self.ordered:03}"
        placed = OrderPlaced(order_id=order_id, customer="c1", lines=(Line(sku="tea", quantity=2),), total_cents=4_242)
        await self._publish(order_id, placed.model_dump_json().replace("4242", wrong).encode())
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_S):
            while not found:
                await asyncio.sleep(0.1)
                parked = (await self.api.get("/api/v1/parked/messages")).json()["items"]
                found = [one for one in parked if one["message_id"] == order_id]
        return str(found[0]["id"]), f"fulfil-order:{order_id}"

    async def _publish(self, order_id: str, body: bytes) -> None:
        envelope = Envelope(
            id=order_id, source="shop", type=OrderPlaced.message_type, body=body, correlation_id=order_id
        )
        async with Publisher.open(self.settings) as publisher:
            exchange = Names(self.settings.name_prefix).events
            await publisher.publish(envelope, exchange=exchange, routing_key=envelope.type)

    async def until(self, execution: str, status: str) -> dict[str, Any]:
        """Wait until the console says that an execution has come there; what it then says."""
        found: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE_S):
            while found.get("status") != status:
                await asyncio.sleep(0.1)
                found = (await self.api.get(f"/api/v1/executions/{execution}")).json()
        return found

    async def operate(self, execution: str, operation: str, **more: Any) -> dict[str, Any]:
        """What another operator does, through the API."""
        body = {"operation": operation, "reason": WHY, **more}
        headers = {"Idempotency-Key": secrets.token_hex(8), "If-Match": "*"}
        answer = await self.api.post(f"/api/v1/executions/{execution}/operations", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def url(self, path: str) -> str:
        """The address of a page."""
        return self.address + path

    async def start_console(self) -> None:
        """Start `saga console`, and wait until it answers."""
        self.console = await start_console(self.settings, self.address, self.folder / "console.log")

    async def stop_console(self) -> None:
        """End it as a service manager would."""
        await end(self.console)


async def start_console(settings: Settings, address: str, log: Path) -> asyncio.subprocess.Process:
    """Start a `saga console` there, and wait until it answers."""
    port = address.rpartition(":")[2]
    variables = {**os.environ, **environment_of(settings), "SAGA_CONSOLE_PORT": port}
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers", "console", cwd=PACKAGES, env=variables, stdout=file, stderr=file
        )
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(base_url=address) as client:
        while not await _answers(client):
            assert process.returncode is None, f"it ended: see {log}"
            await asyncio.sleep(0.1)
    return process


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).is_success
    except httpx.TransportError:
        return False


async def end(process: asyncio.subprocess.Process | None) -> None:
    """End a process as a service manager would."""
    if process is not None and process.returncode is None:
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


@asynccontextmanager
async def open_shop(folder: Path, project: Path) -> AsyncGenerator[Shop]:
    """A shop with names and a ledger of its own on the project's servers."""
    prefix = f"browser-{secrets.token_hex(3)}"
    own = {"name_prefix": prefix, "task_queue": prefix, "ledger_url": SecretStr(f"sqlite:///{folder / 'ledger.db'}")}
    settings = load_settings(project, given={"database_url": f"sqlite:///{folder / 'worker.db'}"}).model_copy(
        update=own
    )
    await migrate_at(settings.ledger)
    await apply_topology(settings, [saga.plan for saga in SAGAS])
    address = f"http://127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(httpx.AsyncClient(base_url=address))
        shop = Shop(settings, folder, address, api)
        stack.push_async_callback(shop.stop_console)
        await asyncio.gather(shop.start_console(), _open_business(stack, settings, folder))
        yield shop


async def _open_business(stack: AsyncExitStack, settings: Settings, folder: Path) -> None:
    """What takes the shop's messages: participants, a worker, a recorder."""
    for one in (inventory.participant, payments.participant, shipping.participant):
        store = await stack.enter_async_context(open_store(f"sqlite:///{folder / one.name}.db", one))
        serving = ParticipantServer.open(one, store, settings, drill=simulated())
        await stack.enter_async_context(serving)
    ports = await stack.enter_async_context(demo_ports(settings))
    await stack.enter_async_context(open_worker(SAGAS, settings, ports))
    await stack.enter_async_context(open_recorder(settings))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
