"""Events, commands and replies of an order. `simulate` tells the demo's participants what to play; empty = nothing."""

from __future__ import annotations

from pydantic import BaseModel, Field

from orchestrator import Command, Event


class Line(BaseModel, frozen=True):
    """So many pieces of one article."""

    sku: str = Field(min_length=1, max_length=64)
    quantity: int = Field(ge=1, le=10_000)


class OrderPlaced(Event, type="order.placed"):
    """A customer has ordered. `total_cents`: what is to be paid, in cents."""

    order_id: str = Field(min_length=1, max_length=100)
    customer: str
    lines: tuple[Line, ...] = Field(min_length=1)
    total_cents: int = Field(ge=0)
    simulate: str = ""


class ReserveStock(Command["StockReserved"], type="inventory.reserve"):
    """Take pieces off the shelf for an order."""

    order_id: str
    lines: tuple[Line, ...]
    simulate: str = ""


class StockReserved(Event, type="inventory.reserved"):
    """They lie aside."""

    reservation_id: str


class ReleaseStock(Command["StockReleased"], type="inventory.release"):
    """Put an order's pieces back."""

    order_id: str


class StockReleased(Event, type="inventory.released"):
    """They are on the shelf again."""

    order_id: str


class ChargePayment(Command["PaymentCharged"], type="payments.charge"):
    """Take the money for an order, in cents."""

    order_id: str
    amount_cents: int
    simulate: str = ""


class PaymentCharged(Event, type="payments.charged"):
    """The money was taken."""

    payment_id: str


class RefundPayment(Command["PaymentRefunded"], type="payments.refund"):
    """Give an order's money back, in cents."""

    order_id: str
    amount_cents: int
    simulate: str = ""


class PaymentRefunded(Event, type="payments.refunded"):
    """It was given back."""

    order_id: str


class PaymentSettled(Event, type="payment.settled"):
    """The bank has settled the payment; published by payments, sometimes before its reply."""

    order_id: str
    payment_id: str


class LabelPrinted(Event, type="label.printed"):
    """The parcel's label is printed."""

    label_id: str


class ParcelPacked(Event, type="parcel.packed"):
    """The parcel is packed."""

    parcel_id: str


class CreateShipment(Command["ShipmentCreated"], type="shipping.create"):
    """Hand the parcel to the carrier."""

    order_id: str
    simulate: str = ""


class ShipmentCreated(Event, type="shipping.created"):
    """The carrier has it."""

    shipment_id: str


class OrderFulfilled(Event, type="order.fulfilled"):
    """The order is on its way; `shipment_id` is what the customer asks the carrier for."""

    order_id: str
    shipment_id: str = Field(min_length=1)
