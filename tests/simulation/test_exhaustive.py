"""Every schedule of small plans: all those of one or two leaves, and of three leaves one of each form.

`make exhaustive` does the same for every plan of three leaves, in a few minutes.
"""

import pytest

from tests.simulation.exhaust import stored
from tests.simulation.exhaustive import search
from tests.simulation.small_plans import small_plans

FORMS = ("seq(C N W)", "seq(par(C B W))", "seq(C par(C W))", "seq(par(C B) N)", "seq(par(W seq(C C))) serial")
AROUND_THE_PIVOT = ("seq(B P R)", "seq(P R V)", "seq(par(C W) P)", "seq(P par(R V))")


def is_small(name):
    return sum(letter in "CBNWPRV" for letter in name) < 3


CHOSEN = [(name, plan) for name, plan in small_plans() if is_small(name) or name in FORMS + AROUND_THE_PIVOT]


def test_all_plans_are_counted() -> None:
    assert set(stored()) == {name for name, _ in small_plans()}


def test_one_plan_of_each_form_is_among_the_chosen() -> None:
    assert set(FORMS + AROUND_THE_PIVOT) <= {name for name, _ in CHOSEN}


@pytest.mark.parametrize(("name", "plan"), CHOSEN, ids=[name for name, _ in CHOSEN])
def test_every_schedule_keeps_every_invariant(name, plan) -> None:
    points, signals = search(plan)
    assert [points, signals] == stored()[name], "what can happen has changed: if it should, run `make exhaustive-write`"
