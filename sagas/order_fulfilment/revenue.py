"""The projection `revenue-per-day`: what was charged and not given back, by the day on which payments said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator import Projection
from sagas.order_fulfilment.messages import ChargePayment, PaymentCharged, PaymentRefunded, RefundPayment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.stored import StoredMessage

ASKED = (ChargePayment.message_type, RefundPayment.message_type)
ANSWERED = (PaymentCharged.message_type, PaymentRefunded.message_type)


@dataclass(slots=True)
class Revenue:
    """What is known so far.

    Attributes:
        asked: cents by the id of the command that asks for them and has no answer yet.
        charged: cents that were taken and not given back, by execution: a refund of nothing succeeds too.
        days: cents by day.
    """

    asked: dict[str, int] = field(default_factory=dict[str, int])
    charged: dict[str, int] = field(default_factory=dict[str, int])
    days: dict[str, int] = field(default_factory=dict[str, int])


def after(known: Revenue, message: StoredMessage) -> Revenue:
    """What is known after one more message."""
    if message.type in ASKED:
        known.asked[message.message_id] = message.payload["amount_cents"]
        return known
    if message.outcome != "completed" or message.causation_id not in known.asked:
        return known
    cents, held = known.asked.pop(message.causation_id), known.charged.pop(message.execution_id, 0)
    is_charge = message.type == PaymentCharged.message_type
    moved = cents if is_charge else -min(cents, held)
    if held + moved:
        known.charged[message.execution_id] = held + moved
    day = f"{datetime.fromtimestamp(message.at_ms / 1000, UTC):%Y-%m-%d}"
    known.days[day] = known.days.get(day, 0) + moved
    return known


def by_day(known: Revenue) -> Mapping[str, Any]:
    """Cents by day."""
    return {day: {"cents": cents} for day, cents in sorted(known.days.items())}


revenue_per_day = Projection(name="revenue-per-day", types=(*ASKED, *ANSWERED), empty=Revenue, fold=after, rows=by_day)
