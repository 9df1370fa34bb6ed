"""The same saga in this project's language, its steps commands to a participant over RabbitMQ."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.broker import corner
from benchmarks.responding import responding
from benchmarks.rows.messages import (
    Carrier,
    Charge,
    Label,
    OrderPlaced,
    Receipt,
    Reserve,
    UndoCharge,
    UndoLabel,
    UndoReserve,
)
from benchmarks.rows.opened import Opened, Place
from benchmarks.rows.ours import id_of, performer
from orchestrator import Saga, command, step
from orchestrator.adapters.rabbitmq.connection import connected
from orchestrator.adapters.rabbitmq.courier import RabbitCourier
from orchestrator.adapters.rabbitmq.names import Names
from orchestrator.adapters.rabbitmq.publisher import Publisher
from orchestrator.adapters.rabbitmq.replies import ReplyDesk
from orchestrator.adapters.temporal.connecting import connect
from orchestrator.adapters.temporal.gateway import TemporalExecutions
from orchestrator.adapters.temporal.performing import Stage
from orchestrator.adapters.temporal.worker import saga_worker
from orchestrator.saga.handlers import Handlers
from workers.garbage import collect_seldom

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from benchmarks.responding import Kind

SHOP = "shop"
"""The one participant."""


@command(to=SHOP)
def reserve(order_placed: OrderPlaced) -> Reserve:
    """Take the pieces off the shelf."""
    return Reserve(order_id=order_placed.order_id)


@command(to=SHOP)
def undo_reserve(order_placed: OrderPlaced) -> UndoReserve:
    """Put them back."""
    return UndoReserve(order_id=order_placed.order_id)


@command(to=SHOP)
def charge(order_placed: OrderPlaced) -> Charge:
    """Take the money."""
    return Charge(order_id=order_placed.order_id)


@command(to=SHOP)
def undo_charge(order_placed: OrderPlaced) -> UndoCharge:
    """Give it back."""
    return UndoCharge(order_id=order_placed.order_id)


@command(to=SHOP)
def label(order_placed: OrderPlaced) -> Label:
    """Print the label."""
    return Label(order_id=order_placed.order_id)


@command(to=SHOP)
def undo_label(order_placed: OrderPlaced) -> UndoLabel:
    """Void it."""
    return UndoLabel(order_id=order_placed.order_id)


@command(to=SHOP)
def carrier(order_placed: OrderPlaced) -> Carrier:
    """Book a carrier, who may refuse."""
    return Carrier(order_id=order_placed.order_id, refused=order_placed.refused)


@command(to=SHOP)
def receipt(order_placed: OrderPlaced) -> Receipt:
    """Send the receipt."""
    return Receipt(order_id=order_placed.order_id)


saga = Saga(
    "bench-commands",
    step(reserve, undo=undo_reserve),
    step(charge, undo=undo_charge),
    step(label, undo=undo_label),
    step(carrier, no_undo="the last booking stands"),
    step(receipt, no_undo="a receipt is never taken back"),
    starts_on=OrderPlaced,
    key="order_id",
    version=1,
)


def row_of_commands(kind: Kind) -> Callable[[Place], AbstractAsyncContextManager[Opened]]:
    """A row that runs this saga; `kind` says what answers the commands."""

    @asynccontextmanager
    async def row(place: Place) -> AsyncGenerator[Opened]:
        settings = place.settings
        client = await connect(settings)
        executions = TemporalExecutions(client, settings)
        async with (
            corner(settings, [saga.plan]),
            responding(kind, settings, SHOP) as responder,
            Publisher.open(settings) as publisher,
            connected(settings, purpose="replies") as connection,
            ReplyDesk.open(settings, connection, publisher, executions) as desk,
        ):
            courier = RabbitCourier(publisher, desk, Names(settings.name_prefix))
            stage = Stage(handlers=Handlers.of([saga.handlers]), courier=courier)
            async with saga_worker(client, stage, settings):
                perform = performer(saga, executions, client)
                collect_seldom()
                watched = {"responder": responder.process}
                yield Opened(perform, client, id_of(saga), responder.read_ledger, watched)

    return row
