"""The demo's orders: a seed decides which of them fail and how, in exact shares."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.messages import Envelope, new_traceparent, short_hash
from sagas.order_fulfilment.messages import Line, OrderPlaced

SHARES = (
    ("payment-declined", 10),
    ("shipping-declined", 50),
    ("silent-inventory", 50),
    ("early-settlement", 10),
)
"""What is simulated, and that one order in so many has it."""
STUCK, PARKED = "refund-refused", "no-shipment-number"
"""What is simulated in an order that is to end up stuck, and in one that is to end up parked."""
ASKED = MappingProxyType({STUCK: "Stuck", PARKED: "Parked"})
"""The word that such an order is to have in the end; all others end by themselves."""
ARTICLES = ("tea", "coffee", "cups", "spoons")
MAX_PIECES = 5
MAX_CENTS = 20_000


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """One order and the execution id it will have."""

    placed: OrderPlaced
    execution_id: str

    @property
    def pieces(self) -> int:
        """How many pieces it takes off the shelf."""
        return sum(line.quantity for line in self.placed.lines)

    def envelope(self) -> Envelope:
        """The event as the shop publishes it."""
        return Envelope(
            id=short_hash("order", self.placed.order_id),
            source="demo-shop",
            type=OrderPlaced.message_type,
            body=self.placed.model_dump_json().encode(),
            correlation_id=self.placed.order_id,
            traceparent=new_traceparent(),
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """How many orders a demo is to have, `stuck` and `parked` ones among them."""

    orders: int
    stuck: int = 0
    parked: int = 0


def make_orders(run: str, wish: Wish, seed: int) -> list[DemoOrder]:
    """The orders of run `run`. The same seed gives the same orders, but for their ids, which carry the run."""
    dice = random.Random(seed)  # noqa: S311 - a demo that can be repeated, not a secret
    kinds = [STUCK] * wish.stuck + [PARKED] * wish.parked
    kinds += [kind for kind, share in SHARES for _ in range(wish.orders // share)]
    kinds = (kinds + [""] * wish.orders)[: wish.orders]
    dice.shuffle(kinds)
    return [_order(f"{run}-{number:05d}", kind, dice) for number, kind in enumerate(kinds, start=1)]


def _order(order_id: str, kind: str, dice: random.Random) -> DemoOrder:
    line = Line(sku=dice.choice(ARTICLES), quantity=dice.randint(1, MAX_PIECES))
    total = dice.randint(100, MAX_CENTS)
    placed = OrderPlaced(
        order_id=order_id, customer=f"c{dice.randint(1, 99)}", lines=(line,), total_cents=total, simulate=kind
    )
    return DemoOrder(placed, f"fulfil-order:{order_id}")
