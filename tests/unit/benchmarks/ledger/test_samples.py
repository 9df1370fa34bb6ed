"""Executions that fill a ledger are such as the ledger itself keeps: a state fits the plan that its row names."""

import json

from benchmarks.ledger.samples import samples


def test_the_state_of_every_sample_fits_the_plan_of_its_row() -> None:
    made = [one.execution for one in samples(300)]
    assert len({one["plan"] for one in made}) > 6
    assert [json.loads(one["state"])["plan"] for one in made] == [one["plan"] for one in made]
