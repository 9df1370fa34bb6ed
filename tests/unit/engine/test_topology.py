"""What a plan's tree says about the order of its leaves."""

import pytest

from orchestrator.engine import topology
from orchestrator.engine.topology import topology_of
from orchestrator.errors import IllegalSignalError
from orchestrator.testing.simulation.order import predecessors
from tests.engine_kit import parallel, plan_of, sequence, step, wait

PLAN = plan_of(step("a"), parallel(sequence(step("b"), step("c")), step("x", after=("b",))), parallel(), wait("z"))


def names(sets):
    return {name: "".join(sorted(others)) for name, others in sets.items()}


def test_the_order_follows_the_flow_and_the_facts_used() -> None:
    found = topology_of(PLAN)
    assert list(found.leaves) == ["a", "b", "c", "x", "z"]
    assert names(found.after) == {"a": "", "b": "a", "c": "b", "x": "ab", "z": "cx"}
    assert names(found.before) == {"a": "", "b": "a", "c": "ab", "x": "ab", "z": "abcx"}
    assert names(found.dependents) == {"a": "bcxz", "b": "cxz", "c": "z", "x": "z", "z": ""}


def test_the_judge_of_the_invariants_comes_to_the_same_order_by_another_way() -> None:
    assert predecessors(PLAN) == topology_of(PLAN).before


def test_rivals_stand_in_other_branches_and_are_cancelled_where_the_plan_says() -> None:
    inner = parallel(step("b"), step("c"), on_sibling_failure="cancel")
    found = topology_of(plan_of(step("a"), parallel(inner, step("x"))))
    assert names(found.rivals) == {"a": "", "b": "cx", "c": "bx", "x": "bc"}
    assert names(found.cancelling) == {"a": "", "b": "c", "c": "b", "x": ""}


def test_only_a_step_can_be_asked_for_as_one() -> None:
    assert topology_of(PLAN).step("a").id == "a"
    with pytest.raises(IllegalSignalError, match="z is no step of this plan; it cannot take an outcome"):
        topology_of(PLAN).step("z")


def test_plans_of_the_same_content_share_what_was_computed_and_the_cache_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(topology, "_cache", {})
    monkeypatch.setattr(topology, "CACHED_PLANS", 2)
    first = topology_of(plan_of(step("a")))
    assert topology_of(plan_of(step("a"))) is first
    topology_of(plan_of(step("b")))
    assert topology_of(plan_of(step("a"))) is first
    topology_of(plan_of(step("c")))
    assert topology_of(plan_of(step("a"))) is not first
