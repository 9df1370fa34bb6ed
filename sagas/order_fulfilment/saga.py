"""The saga `fulfil-order`."""

from __future__ import annotations

from datetime import timedelta

from orchestrator import ActionContext, Retry, Saga, action, command, event, parallel, pivot, publish, step, wait_for
from sagas.order_fulfilment.messages import (
    ChargePayment,
    CreateShipment,
    LabelPrinted,
    OrderFulfilled,
    OrderPlaced,
    ParcelPacked,
    PaymentSettled,
    RefundPayment,
    ReleaseStock,
    ReserveStock,
    ShipmentCreated,
)
from sagas.order_fulfilment.ports import LabelPrinter, PackingBench


@command(to="inventory")
def reserve_stock(order_placed: OrderPlaced) -> ReserveStock:
    """Ask for the order's pieces."""
    return ReserveStock(order_id=order_placed.order_id, lines=order_placed.lines, simulate=order_placed.simulate)


@command(to="inventory")
def release_stock(order_placed: OrderPlaced) -> ReleaseStock:
    """Give them back."""
    return ReleaseStock(order_id=order_placed.order_id)


@command(to="payments")
def charge_payment(order_placed: OrderPlaced) -> ChargePayment:
    """Take the money."""
    total = order_placed.total_cents
    return ChargePayment(order_id=order_placed.order_id, amount_cents=total, simulate=order_placed.simulate)


@command(to="payments")
def refund_payment(order_placed: OrderPlaced) -> RefundPayment:
    """Give it back."""
    total = order_placed.total_cents
    return RefundPayment(order_id=order_placed.order_id, amount_cents=total, simulate=order_placed.simulate)


@action
async def print_label(order_placed: OrderPlaced, ctx: ActionContext) -> LabelPrinted:
    """Print the label: slow, so a durable action."""
    return LabelPrinted(label_id=await ctx.get(LabelPrinter).print(order_placed.order_id, ctx.idempotency_key))


@action
async def void_label(order_placed: OrderPlaced, ctx: ActionContext) -> None:
    """Void the label that may have been printed."""
    await ctx.get(LabelPrinter).void(order_placed.order_id, ctx.undoes)


@action(brief=True)
async def pack_parcel(order_placed: OrderPlaced, ctx: ActionContext) -> ParcelPacked:
    """Pack the parcel: quick and the same for the same key, so a brief action."""
    return ParcelPacked(parcel_id=await ctx.get(PackingBench).pack(order_placed.order_id, ctx.idempotency_key))


@action(brief=True)
async def unpack_parcel(order_placed: OrderPlaced, ctx: ActionContext) -> None:
    """Unpack the parcel that may have been packed."""
    await ctx.get(PackingBench).unpack(order_placed.order_id, ctx.undoes)


@command(to="shipping")
def create_shipment(order_placed: OrderPlaced) -> CreateShipment:
    """Hand the parcel over: from here there is no way back."""
    return CreateShipment(order_id=order_placed.order_id, simulate=order_placed.simulate)


@event
def order_fulfilled(order_placed: OrderPlaced, shipment_created: ShipmentCreated) -> OrderFulfilled:
    """Tell whoever listens."""
    return OrderFulfilled(order_id=order_placed.order_id, shipment_id=shipment_created.shipment_id)


fulfil_order = Saga(
    "fulfil-order",
    step(reserve_stock, undo=release_stock, within=timedelta(seconds=30)),
    step(charge_payment, undo=refund_payment, retry=Retry(attempts=5, backoff=2.0)),
    wait_for(PaymentSettled, within=timedelta(minutes=15)),
    parallel(step(print_label, undo=void_label), step(pack_parcel, undo=unpack_parcel)),
    pivot(create_shipment),
    publish(order_fulfilled),
    starts_on=OrderPlaced,
    key="order_id",
    within=timedelta(days=7),
    version=1,
    owner="the shop",
    about="An order from its placing to its shipment: stock, payment, parcel.",
)
