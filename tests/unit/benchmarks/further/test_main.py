"""The further measurements tell of every fault, and their sagas are what they say."""

import pytest

from benchmarks.further.__main__ import faults_in
from benchmarks.further.counting import saga_of
from orchestrator.saga.plan import StepPlan, WaitPlan, leaves


def test_faults_are_found_at_any_depth() -> None:
    found = {"at": "now", "steps": {"2": {"faults": ["a"]}, "5": {"faults": []}}, "relay": {"faults": ["b"]}}
    assert faults_in(found) == ["a", "b"]


@pytest.mark.parametrize("steps", [2, 5, 20, 50])
def test_a_counting_saga_has_so_many_brief_steps(steps) -> None:
    lanes = [leaf.do.lane for leaf in leaves(saga_of(steps).plan.root) if isinstance(leaf, StepPlan)]
    assert lanes == ["brief"] * steps


def test_asked_to_it_waits_behind_its_first_step() -> None:
    kinds = [type(leaf) for leaf in leaves(saga_of(2, brief=False, waits=True).plan.root)]
    assert kinds == [StepPlan, WaitPlan, StepPlan]
