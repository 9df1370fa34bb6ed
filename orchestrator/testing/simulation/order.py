"""The order D of a plan, worked out from the tree alone: not by the engine's own code, so that it can judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.saga.plan import ParallelPlan, SequencePlan, StepPlan, leaves

if TYPE_CHECKING:
    from orchestrator.saga.plan import Node, Plan


def predecessors(plan: Plan) -> dict[str, frozenset[str]]:
    """For each leaf all those that must have passed before it begins, by the flow and by facts used."""
    direct: dict[str, set[str]] = {leaf.id: set() for leaf in leaves(plan.root)}
    for leaf in leaves(plan.root):
        if isinstance(leaf, StepPlan):
            direct[leaf.id] |= set(leaf.after)
    for earlier, later in _pairs(plan.root):
        direct[later].add(earlier)
    return {name: frozenset(_reach(name, direct)) for name in direct}


def _pairs(node: Node) -> set[tuple[str, str]]:
    if not isinstance(node, SequencePlan | ParallelPlan):
        return set()
    found = {pair for child in node.children for pair in _pairs(child)}
    if isinstance(node, SequencePlan):
        for place, child in enumerate(node.children):
            earlier = [leaf.id for sibling in node.children[:place] for leaf in leaves(sibling)]
            found |= {(one, leaf.id) for one in earlier for leaf in leaves(child)}
    return found


def _reach(name: str, direct: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    frontier = set(direct[name])
    while frontier:
        found |= frontier
        frontier = {further for one in frontier for further in direct[one]} - found
    return found
