"""The books of the benchmarks find every fault."""

import pytest

from benchmarks.orders import STEPS, Ledger, expected, order, word_of


def booked(*effects, number=0):
    ledger, placed = Ledger(), order("run", number)
    for effect in effects:
        ledger.book(placed.order_id, effect)
    return ledger, [placed]


UNDONE = ("reserve", "charge", "label", "undo-label", "undo-charge", "undo-reserve")


def test_every_tenth_order_is_refused_at_step_4_and_undone_in_reverse() -> None:
    orders = [order("run", number) for number in range(20)]
    assert [placed.order_id for placed in orders if placed.refused] == ["run-9", "run-19"]
    assert (expected(orders[0]), word_of(orders[0])) == (list(STEPS), "Completed")
    assert (expected(orders[9]), word_of(orders[9])) == (list(UNDONE), "Compensated")


@pytest.mark.parametrize(
    ("number", "effects"),
    [
        (0, ()),
        (0, STEPS[:4]),
        (0, (*STEPS, "undo-label")),
        (0, (STEPS[1], STEPS[0], *STEPS[2:])),
        (9, UNDONE[:5]),
        (9, (*UNDONE[:3], "carrier", *UNDONE[3:])),
        (9, STEPS),
    ],
)
def test_missing_surplus_and_misplaced_effects_are_faults(number, effects) -> None:
    ledger, orders = booked(*effects, number=number)
    assert len(ledger.faults(orders)) == 1


def test_effects_of_no_order_are_faults() -> None:
    ledger, _ = booked(*STEPS)
    assert ledger.faults([]) == ["run-0: effects of no order"]


def test_exact_books_have_none_and_a_repeat_is_counted_but_changes_nothing() -> None:
    ledger, orders = booked(*STEPS, STEPS[4])
    assert (ledger.faults(orders), ledger.repeats) == ([], 1)
    ledger, orders = booked(*UNDONE, number=9)
    assert ledger.faults(orders) == []
