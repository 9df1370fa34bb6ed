"""The demo balances only if exactly those orders wait for a person that were asked to, with exactly their effects."""

import pytest

from workers.demo_accounting import KINDS, account
from workers.demo_orders import PARKED, STUCK, Wish, make_orders
from workers.participants.books import Effect

ORDERS = {order.placed.simulate: order for order in make_orders("run", Wish(3, stuck=1, parked=1), 1)}
SOUND = {"": "Completed", STUCK: "Stuck", PARKED: "Parked"}


def made(words=SOUND, left_out=(), **more):
    words = {**words, **more}
    entries = [effect for kind, order in ORDERS.items() for effect in effects(order, words[kind])]
    orders = list(ORDERS.values())
    found = {ORDERS[kind].execution_id: word for kind, word in words.items() if word}
    return account(orders, found, [one for one in entries if one not in left_out], published=3, seconds=1.0)


def effects(order, word):
    kept = {"Completed": KINDS, "Parked": KINDS, "Stuck": ("stock", "money")}.get(word, ())
    amounts = {"stock": order.pieces, "money": order.placed.total_cents}
    return [
        Effect(order.placed.order_id, what, f"{order.execution_id}-{what}", "do", amounts.get(what, 1)) for what in kept
    ]


def test_orders_that_wait_as_they_were_asked_to_balance() -> None:
    found = made()
    assert (found.balances, found.disagreements) == (True, ())
    assert (found.completed, found.stuck, found.parked, found.held_effects) == (1, 1, 1, 7)


@pytest.mark.parametrize(
    ("kind", "word", "told"),
    [
        (STUCK, "Compensated", "was to be Stuck, it is Compensated"),
        (PARKED, "Completed", "was to be Parked, it is Completed"),
        (STUCK, "Parked", "was to be Stuck, it is Parked"),
        (STUCK, "", "was to be Stuck, it is missing"),
        ("", "Stuck", "is Stuck, and was not asked to be"),
        ("", "Parked", "is Parked, and was not asked to be"),
    ],
)
def test_any_other_that_waits_or_does_not_is_told(kind, word, told) -> None:
    found = made({**SOUND, kind: word})
    assert not found.balances
    assert any(sentence.startswith(ORDERS[kind].execution_id) and told in sentence for sentence in found.disagreements)


@pytest.mark.parametrize(("kind", "what"), [(STUCK, "money"), (PARKED, "shipment"), ("", "stock")])
def test_an_effect_that_is_missing_is_told(kind, what) -> None:
    word = SOUND[kind]
    missing = next(effect for effect in effects(ORDERS[kind], word) if effect.what == what)
    found = made(left_out=[missing])
    assert not found.balances
    assert any(f"is {word}, its effects are" in sentence for sentence in found.disagreements)
