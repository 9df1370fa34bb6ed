"""The same saga in this project's language, its steps actions: all brief, or all durable."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.orders import Ledger, Order
from benchmarks.rows.messages import Booked, Charged, Labelled, OrderPlaced, Reserved, Sent
from benchmarks.rows.opened import Opened, Place
from orchestrator import ActionContext, Rejected, Saga, action, step
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.adapters.temporal.worker import saga_worker
from orchestrator.messages import Envelope
from orchestrator.saga.handlers import Handlers
from workers.garbage import collect_seldom
from workers.ledger import open_buffer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from temporalio.client import Client


def _do(ctx: ActionContext, placed: OrderPlaced, effect: str) -> str:
    ctx.get(Ledger).book(placed.order_id, effect)
    return f"{effect}-{placed.order_id}"


async def reserve(order_placed: OrderPlaced, ctx: ActionContext) -> Reserved:
    """Take the pieces off the shelf."""
    return Reserved(reference=_do(ctx, order_placed, "reserve"))


async def undo_reserve(order_placed: OrderPlaced, ctx: ActionContext) -> None:
    """Put them back."""
    _do(ctx, order_placed, "undo-reserve")


async def charge(order_placed: OrderPlaced, ctx: ActionContext) -> Charged:
    """Take the money."""
    return Charged(reference=_do(ctx, order_placed, "charge"))


async def undo_charge(order_placed: OrderPlaced, ctx: ActionContext) -> None:
    """Give it back."""
    _do(ctx, order_placed, "undo-charge")


async def label(order_placed: OrderPlaced, ctx: ActionContext) -> Labelled:
    """Print the label."""
    return Labelled(reference=_do(ctx, order_placed, "label"))


async def undo_label(order_placed: OrderPlaced, ctx: ActionContext) -> None:
    """Void it."""
    _do(ctx, order_placed, "undo-label")


async def carrier(order_placed: OrderPlaced, ctx: ActionContext) -> Booked:
    """Book a carrier, who may refuse."""
    if order_placed.refused:
        raise Rejected("the carrier does not go there")
    return Booked(reference=_do(ctx, order_placed, "carrier"))


async def receipt(order_placed: OrderPlaced, ctx: ActionContext) -> Sent:
    """Send the receipt."""
    return Sent(reference=_do(ctx, order_placed, "receipt"))


def saga_of_actions(name: str, *, brief: bool) -> Saga:
    """The saga, with all actions of one kind."""
    kind = action(brief=brief)
    return Saga(
        name,
        step(kind(reserve), undo=kind(undo_reserve)),
        step(kind(charge), undo=kind(undo_charge)),
        step(kind(label), undo=kind(undo_label)),
        step(kind(carrier), no_undo="the last booking stands"),
        step(kind(receipt), no_undo="a receipt is never taken back"),
        starts_on=OrderPlaced,
        key="order_id",
        version=1,
    )


class NoCourier:
    """In the place of a broker, where a saga uses none."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"this saga sends no messages, so nobody should ask for {name}")


def row_of_actions(
    name: str, *, brief: bool, with_ledger: bool = False
) -> Callable[[Place], AbstractAsyncContextManager[Opened]]:
    """A row that runs this saga of actions; asked to, with the ledger of `saga worker` in a file of its own."""

    @asynccontextmanager
    async def row(place: Place) -> AsyncGenerator[Opened]:
        saga, ledger = saga_of_actions(name, brief=brief), Ledger()
        client = await connect(place.settings)
        courier: Any = NoCourier()
        stage = Stage(handlers=Handlers.of([saga.handlers]), courier=courier, ports={Ledger: ledger})

        async def read_ledger() -> Ledger:
            return ledger

        async with AsyncExitStack() as stack:
            sink = (await stack.enter_async_context(open_buffer(place.settings))).give if with_ledger else None
            await stack.enter_async_context(saga_worker(client, stage, place.settings, sink))
            executions = TemporalExecutions(client, place.settings)
            collect_seldom()
            yield Opened(performer(saga, executions, client), client, id_of(saga), read_ledger)

    return row


def id_of(saga: Saga) -> Callable[[Order], str]:
    """How the executions of a saga are called."""
    return lambda placed: saga.plan.execution_id(placed.order_id)


def performer(saga: Saga, executions: TemporalExecutions, client: Client) -> Callable[[Order], Awaitable[str]]:
    """Starts an order's execution and waits for its end."""

    async def perform(placed: Order) -> str:
        envelope, payload = trigger_of(placed)
        execution = saga.plan.execution_id(placed.order_id)
        await executions.start(saga.plan, execution, envelope, payload)
        result: dict[str, Any] = await client.get_workflow_handle(execution).result()
        return str(result["word"])

    return perform


def trigger_of(placed: Order) -> tuple[Envelope, Any]:
    """The event that starts an order's execution, and its payload."""
    trigger = OrderPlaced(**asdict(placed))
    body = trigger.model_dump_json().encode()
    envelope = Envelope(id=placed.order_id, source="benchmarks", type=trigger.message_type, body=body)
    return envelope, trigger.model_dump(mode="json")
