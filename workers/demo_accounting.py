"""The demo's accounting: the participants' books against what Temporal says of each order. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from workers.demo_orders import ASKED
from workers.participants.books import doubles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workers.demo_orders import DemoOrder
    from workers.participants.books import Effect

KINDS = ("stock", "money", "label", "parcel", "shipment")
ALL, NONE = dict.fromkeys(KINDS, 1), dict.fromkeys(KINDS, 0)
STANDING = MappingProxyType(
    {
        "Completed": ALL,
        "Compensated": NONE,
        "Aborted": NONE,
        # The refund gave up: label and parcel are undone, and the stock waits until a person has decided.
        "Stuck": {**NONE, "stock": 1, "money": 1},
        # The parcel is with the carrier; only the event is missing.
        "Parked": ALL,
    }
)
"""The effects of an order by the word of its execution, as far as the word says it."""
NOTHING = frozenset({"Compensated", "Aborted"})
"""Words after which no effect may be left."""
GONE = frozenset({"Terminated", "Timed out", "Failed", "Canceled"})
"""Words of executions that were ended in Temporal from outside: what they did stays until somebody undoes it."""
NEEDS_PERSON = frozenset({"Stuck", "Parked"})
HELD = GONE | NEEDS_PERSON | frozenset({"Suspended", "Running", "Compensating", "Partially compensated"})
"""Words after which a person, or time, still decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """The figures of one run. `lost`: published without an execution; the others as their names say.

    `asked`: orders that are stuck or parked as the demo was asked to make them; they count as accounted for.
    `disagreements`: orders whose status does not agree with the effects found for them, one sentence each.
    """

    published: int
    executions: int
    completed: int
    compensated: int
    aborted: int
    stuck: int
    parked: int
    lost: int
    double_effects: int
    leftover_effects: int
    held_effects: int
    seconds: float
    stock_out: int = 0
    money_in_cents: int = 0
    asked: int = 0
    disagreements: tuple[str, ...] = field(default=())

    @property
    def balances(self) -> bool:
        """Whether the books balance: every order ended, nothing lost, doubled or left over, all statuses true.

        Those that were to be stuck or parked are so, and no others are.
        """
        accounted = self.completed + self.compensated + self.aborted + self.asked == self.published
        return accounted and not (self.lost or self.double_effects or self.leftover_effects or self.disagreements)

    def document(self) -> dict[str, Any]:
        """As the JSON document that scripts read."""
        kept = asdict(self)
        return {**{name: kept[name] for name in DOCUMENT}, "seconds": round(self.seconds, 3)}

    def as_json(self) -> bytes:
        """The document as bytes."""
        return to_json(self.document(), indent=2) + b"\n"


DOCUMENT = (
    "published",
    "executions",
    "completed",
    "compensated",
    "aborted",
    "stuck",
    "parked",
    "lost",
    "double_effects",
    "leftover_effects",
    "held_effects",
)


def account(
    orders: Sequence[DemoOrder],
    words: Mapping[str, str],
    entries: Sequence[Effect],
    *,
    published: int,
    seconds: float,
) -> Accounting:
    """The accounting of a run.

    Args:
        orders: what was published.
        seconds: how long it took.
        words: status word by execution id, as Temporal has it; an execution that does not exist is missing.
        entries: every row of the participants' books for this run.
        published: events that the broker confirmed.
    """
    standing = _standing(entries)
    counted = Counter(words.values())
    kept = {order.execution_id: sum(standing[order.placed.order_id].values()) for order in orders}
    return Accounting(
        published=published,
        executions=len(words),
        completed=counted["Completed"],
        compensated=counted["Compensated"],
        aborted=counted["Aborted"],
        stuck=counted["Stuck"],
        parked=counted["Parked"],
        lost=len({order.execution_id for order in orders} - set(words)),
        double_effects=doubles(list(entries)),
        leftover_effects=sum(count for name, count in kept.items() if words.get(name) in NOTHING),
        held_effects=sum(count for name, count in kept.items() if words.get(name) in HELD),
        seconds=seconds,
        stock_out=_balance(entries, "stock"),
        money_in_cents=_balance(entries, "money"),
        asked=sum(1 for order in orders if words.get(order.execution_id) == ASKED.get(order.placed.simulate, "")),
        disagreements=tuple(_disagreements(orders, words, standing, entries)),
    )


def _standing(entries: Sequence[Effect]) -> defaultdict[str, Counter[str]]:
    """For each order how many effects of each kind are done and not undone."""
    standing: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        standing[entry.order_id][entry.what] += 1 if entry.direction == "do" else -1
    return standing


def _balance(entries: Sequence[Effect], what: str) -> int:
    return sum(entry.amount * (1 if entry.direction == "do" else -1) for entry in entries if entry.what == what)


def _disagreements(
    orders: Sequence[DemoOrder],
    words: Mapping[str, str],
    standing: Mapping[str, Counter[str]],
    entries: Sequence[Effect],
) -> list[str]:
    found: list[str] = []
    stock = money = 0
    for order in orders:
        word, counts = words.get(order.execution_id, ""), standing[order.placed.order_id]
        found += _said_of(order, word, {what: counts[what] for what in KINDS})
        stock += order.pieces * STANDING.get(word, NONE)["stock"]
        money += order.placed.total_cents * STANDING.get(word, NONE)["money"]
    if any(word not in STANDING for word in words.values()):
        return found  # what those hold nobody can say
    if _balance(entries, "stock") != stock:
        found.append(f"stock: {_balance(entries, 'stock')} pieces are out, the executions hold {stock}")
    if _balance(entries, "money") != money:
        found.append(f"money: {_balance(entries, 'money')} cents are in, the executions hold {money}")
    return found


def _said_of(order: DemoOrder, word: str, effects: Mapping[str, int]) -> Iterator[str]:
    """What does not agree about one order; `word` is empty if it has no execution."""
    name, asked = order.execution_id, ASKED.get(order.placed.simulate)
    if word in GONE:
        yield f"{name} was ended from outside ({word}), its effects are {effects}"
    elif asked and word != asked:
        yield f"{name} was to be {asked}, it is {word or 'missing'}"
    elif word in NEEDS_PERSON and not asked:
        yield f"{name} is {word}, and was not asked to be"
    elif word in STANDING and effects != STANDING[word]:
        yield f"{name} is {word}, its effects are {effects}"
