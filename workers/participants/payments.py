"""The participant `payments`: takes money, gives it back, and tells when a payment is settled."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.participant import CommandContext, Participant, Rejected
from sagas.order_fulfilment.messages import (
    ChargePayment,
    PaymentCharged,
    PaymentRefunded,
    PaymentSettled,
    RefundPayment,
)
from workers.participants.books import Effect, amount_done, enter, tables

participant = Participant("payments", tables=tables)


@participant.handles(ChargePayment)
async def charge(command: ChargePayment, ctx: CommandContext) -> PaymentCharged:
    """Take the money, or decline the card."""
    if command.simulate == "payment-declined":
        raise Rejected("the card was declined", code="declined")
    effect = Effect(command.order_id, "money", ctx.key, "do", command.amount_cents)
    await enter(ctx.get(AsyncConnection), effect)
    payment_id = f"p-{command.order_id}"
    await ctx.publish(PaymentSettled(order_id=command.order_id, payment_id=payment_id))
    return PaymentCharged(payment_id=payment_id)


@participant.handles(RefundPayment)
async def refund(command: RefundPayment, ctx: CommandContext) -> PaymentRefunded:
    """Give back what the charge took, unless there is nowhere to send it."""
    if command.simulate == "refund-refused":
        raise Rejected("the customer's account is closed", code="account-closed")
    connection = ctx.get(AsyncConnection)
    cents = await amount_done(connection, ctx.undoes)
    await enter(connection, Effect(command.order_id, "money", ctx.undoes, "undo", cents))
    return PaymentRefunded(order_id=command.order_id)
