"""The participant `inventory`: reserves stock and puts it back."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.participant import CommandContext, Participant
from sagas.order_fulfilment.messages import ReleaseStock, ReserveStock, StockReleased, StockReserved
from workers.participants.books import Effect, amount_done, enter, tables

participant = Participant("inventory", tables=tables)


@participant.handles(ReserveStock)
async def reserve(command: ReserveStock, ctx: CommandContext) -> StockReserved:
    """Take the pieces off the shelf."""
    pieces = sum(line.quantity for line in command.lines)
    await enter(ctx.get(AsyncConnection), Effect(command.order_id, "stock", ctx.key, "do", pieces))
    return StockReserved(reservation_id=f"r-{command.order_id}")


@participant.handles(ReleaseStock)
async def release(command: ReleaseStock, ctx: CommandContext) -> StockReleased:
    """Put back what the reservation took."""
    connection = ctx.get(AsyncConnection)
    pieces = await amount_done(connection, ctx.undoes)
    await enter(connection, Effect(command.order_id, "stock", ctx.undoes, "undo", pieces))
    return StockReleased(order_id=command.order_id)
