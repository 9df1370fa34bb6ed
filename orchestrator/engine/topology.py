"""What a plan's tree says about the order of its leaves. Computed once per plan; read, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, assert_never

from orchestrator.errors import IllegalSignalError
from orchestrator.saga.plan import Leaf, ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from orchestrator.saga.plan import Node, Plan

CACHED_PLANS = 256


@dataclass(frozen=True, slots=True)
class Topology:
    """Order relations of one plan.

    Attributes:
        leaves: by id, in the order written.
        after: the leaves that stand directly before each leaf, by flow and by facts used.
        before: all leaves that must have passed before each leaf (`after`, transitively): the order D of semantics.md.
        dependents: all leaves that come after each leaf (the reverse of `before`).
        rivals: for each leaf the leaves of the other branches of each parallel around it.
        cancelling: leaves in a parallel that cancels siblings when one fails, with those siblings.
    """

    leaves: dict[str, Leaf]
    after: dict[str, frozenset[str]]
    before: dict[str, frozenset[str]]
    dependents: dict[str, frozenset[str]]
    rivals: dict[str, frozenset[str]]
    cancelling: dict[str, frozenset[str]]

    def step(self, name: str) -> StepPlan:
        """The step of this id.

        Raises:
            IllegalSignalError: the plan has no such step.
        """
        leaf = self.leaves.get(name)
        if not isinstance(leaf, StepPlan):
            raise IllegalSignalError(step=name, phase="no step of this plan", signal="an outcome")
        return leaf


_cache: dict[str, Topology] = {}


def topology_of(plan: Plan) -> Topology:
    """The plan's topology, from a small cache keyed by content (a pure function of the plan, so sharing is safe)."""
    known = _cache.get(plan.content_hash)
    if known is None:
        if len(_cache) >= CACHED_PLANS:
            _cache.clear()
        known = _cache[plan.content_hash] = _compute(plan)
    return known


def _compute(plan: Plan) -> Topology:
    index = {leaf.id: leaf for leaf in leaves(plan.root)}
    after: dict[str, frozenset[str]] = {}
    _link(plan.root, frozenset(), after)
    before = _closure(after)
    dependents = {name: frozenset(other for other in index if name in before[other]) for name in index}
    rivals: dict[str, frozenset[str]] = dict.fromkeys(index, frozenset())
    cancelling: dict[str, frozenset[str]] = dict.fromkeys(index, frozenset())
    for parallel in _parallels(plan.root):
        for name, others in _siblings(parallel):
            rivals[name] |= others
            if parallel.on_sibling_failure == "cancel":
                cancelling[name] |= others
    return Topology(index, after, before, dependents, rivals, cancelling)


def _link(node: Node, entry: frozenset[str], after: dict[str, frozenset[str]]) -> frozenset[str]:
    """Fill `after` for all leaves below `node`, which is entered behind `entry`; returns what ends it."""
    match node:
        case SequencePlan():
            return reduce(lambda last, child: _link(child, last, after), node.children, entry)
        case ParallelPlan():
            ends = [_link(child, entry, after) for child in node.children]
            return frozenset[str]().union(*ends) if ends else entry
        case StepPlan():
            after[node.id] = entry | frozenset(node.after)
        case WaitPlan() | SleepPlan():
            after[node.id] = entry
        case _:
            assert_never(node)
    return frozenset({node.id})


def _closure(after: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Transitive closure; leaves come in an order in which predecessors precede."""
    before: dict[str, frozenset[str]] = {}
    for name, direct in after.items():
        before[name] = direct.union(*(before[other] for other in direct))
    return before


def _parallels(node: Node) -> Iterator[ParallelPlan]:
    match node:
        case SequencePlan() | ParallelPlan():
            if isinstance(node, ParallelPlan):
                yield node
            for child in node.children:
                yield from _parallels(child)
        case _:
            return


def _siblings(parallel: ParallelPlan) -> Iterator[tuple[str, frozenset[str]]]:
    branches = [frozenset(leaf.id for leaf in leaves(child)) for child in parallel.children]
    for number, branch in enumerate(branches):
        others: AbstractSet[str] = frozenset[str]().union(*branches[:number], *branches[number + 1 :])
        for name in branch:
            yield name, frozenset(others)
