"""The work that every row does: orders of five steps, every tenth refused at step 4 and undone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

STEPS = ("reserve", "charge", "label", "carrier", "receipt")
REFUSED_STEP = STEPS[3]
REFUSED_EVERY = 10


@dataclass(frozen=True)
class Order:
    """What is ordered. `refused`: the carrier will not take it."""

    order_id: str
    customer: str
    total_cents: int
    refused: bool


def order(run: str, number: int) -> Order:
    """The `number`-th order of a run."""
    refused = number % REFUSED_EVERY == REFUSED_EVERY - 1
    return Order(f"{run}-{number}", f"customer-{number % 97}", 100 + number, refused)


def expected(placed: Order) -> list[str]:
    """The effects of an order, in order."""
    before = list(STEPS[: STEPS.index(REFUSED_STEP)])
    return [*before, *(f"undo-{step}" for step in reversed(before))] if placed.refused else list(STEPS)


def word_of(placed: Order) -> str:
    """How an order's saga ends."""
    return "Compensated" if placed.refused else "Completed"


@dataclass(slots=True)
class Ledger:
    """Effects by order, as the owner of the data would book them: by key, so a repeated call changes nothing.

    Attributes:
        effects: names of effects in the order in which they were made.
        repeats: calls that came again with a key already booked.
    """

    effects: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list[str]))
    repeats: int = 0

    def book(self, order_id: str, effect: str) -> None:
        """Make an effect, once."""
        made = self.effects[order_id]
        if effect in made:
            self.repeats += 1
        else:
            made.append(effect)

    def faults(self, orders: list[Order]) -> list[str]:
        """Everything in which the books are not what the orders ask for: missing, surplus, or out of order."""
        found = [
            f"{placed.order_id}: {self.effects[placed.order_id]} instead of {expected(placed)}"
            for placed in orders
            if self.effects[placed.order_id] != expected(placed)
        ]
        known = {placed.order_id for placed in orders}
        return found + [f"{stranger}: effects of no order" for stranger in self.effects if stranger not in known]
