"""The participant `shipping`: hands parcels to the carrier. There is no way back from that."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.participant import CommandContext, Participant, Rejected
from sagas.order_fulfilment.messages import CreateShipment, ShipmentCreated
from workers.participants.books import Effect, enter, tables

participant = Participant("shipping", tables=tables)


@participant.handles(CreateShipment)
async def ship(command: CreateShipment, ctx: CommandContext) -> ShipmentCreated:
    """Hand the parcel over, or find no carrier for it."""
    if command.simulate in ("shipping-declined", "refund-refused"):
        raise Rejected("no carrier goes there", code="no-carrier")
    await enter(ctx.get(AsyncConnection), Effect(command.order_id, "shipment", ctx.key, "do", 1))
    if command.simulate == "no-shipment-number":
        return ShipmentCreated(shipment_id="")
    return ShipmentCreated(shipment_id=f"s-{command.order_id}")
