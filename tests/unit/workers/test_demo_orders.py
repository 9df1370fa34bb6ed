from collections import Counter

from workers.demo_orders import PARKED, STUCK, Wish, make_orders


def kinds(wish, seed=1):
    return Counter(order.placed.simulate for order in make_orders("run", wish, seed))


def test_none_are_made_to_wait_for_a_person_unless_asked_for() -> None:
    assert kinds(Wish(200)) == {"payment-declined": 20, "shipping-declined": 4, "silent-inventory": 4, "early-settlement": 20, "": 152}  # fmt: skip


def test_those_asked_for_are_among_the_orders() -> None:
    found = kinds(Wish(200, stuck=2, parked=3))
    assert (found[STUCK], found[PARKED], found["payment-declined"], found.total()) == (2, 3, 20, 200)
    assert kinds(Wish(3, stuck=1, parked=2)) == {STUCK: 1, PARKED: 2}


def test_the_same_seed_gives_the_same_orders() -> None:
    wish = Wish(50, stuck=2, parked=2)
    assert make_orders("run", wish, 7) == make_orders("run", wish, 7)
    assert make_orders("run", wish, 7) != make_orders("run", wish, 8)
