"""The forward way: which leaves may begin, which waits are satisfied, when the flow has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from orchestrator.engine.states import PASSED, Move, Phase
from orchestrator.engine.turn import wait_timer
from orchestrator.saga.plan import Leaf, ParallelPlan, SequencePlan, SleepPlan, StepPlan, WaitPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.signals import ReceivedEvent
    from orchestrator.engine.turn import Turn
    from orchestrator.saga.plan import Node

BEGINNABLE = frozenset({Phase.IDLE, Phase.DOUBTFUL})
"""Leaves that begin when the flow reaches them; a doubtful one was counted as begun and is tried with the same key."""


def advance(turn: Turn) -> None:
    """Begin everything that may begin now, until nothing more follows without news from outside."""
    while opened := [leaf for leaf in open_leaves(turn, turn.plan.root) if _begin(turn, leaf)]:
        if not any(turn.phase(leaf.id) in PASSED for leaf in opened):
            return


def has_passed(turn: Turn, node: Node) -> bool:
    """Whether the flow may go on behind `node`."""
    match node:
        case SequencePlan() | ParallelPlan():
            return all(has_passed(turn, child) for child in node.children)
        case _:
            return turn.phase(node.id) in PASSED


def open_leaves(turn: Turn, node: Node) -> Iterator[Leaf]:
    """Leaves that the flow has reached and not passed, in the order written."""
    match node:
        case SequencePlan():
            reached = next((child for child in node.children if not has_passed(turn, child)), None)
            if reached is not None:
                yield from open_leaves(turn, reached)
        case ParallelPlan():
            for child in node.children:
                yield from open_leaves(turn, child)
        case _:
            if turn.phase(node.id) not in PASSED:
                yield node


def _begin(turn: Turn, leaf: Leaf) -> bool:
    """Begin a leaf if it can begin or go on now; says whether it did."""
    match leaf:
        case StepPlan():
            return _begin_step(turn, leaf)
        case WaitPlan():
            return _begin_wait(turn, leaf)
        case SleepPlan():
            return _begin_sleep(turn, leaf)
        case _:
            assert_never(leaf)


def _begin_step(turn: Turn, leaf: StepPlan) -> bool:
    if any(turn.phase(name) not in PASSED for name in turn.topology.before[leaf.id]):
        return False  # it uses a fact of another branch, or a late reply has run ahead of the flow
    phase = turn.phase(leaf.id)
    rested = phase is Phase.RESTING and not turn.is_set(turn.pause(leaf.id, "do"))
    if phase not in BEGINNABLE and not rested:
        return False
    begin_attempt(turn, leaf)
    return True


def begin_attempt(turn: Turn, leaf: StepPlan) -> None:
    """Begin the next forward attempt of a step. From now on its outcome is in doubt until it is told."""
    step = turn.move(leaf.id, Move.BEGIN)
    step.attempt += 1
    step.earlier, step.outcome = step.outcome, "unknown"
    turn.count_begin(step)
    turn.perform(leaf, "do", step.attempt)


def _begin_wait(turn: Turn, leaf: WaitPlan) -> bool:
    if turn.phase(leaf.id) is Phase.IDLE:
        turn.count_begin(turn.move(leaf.id, Move.BEGIN))
        event = take_held(turn, leaf)
        if event is None:
            turn.set_timer(wait_timer(leaf.id), leaf.within_ms)
        else:
            satisfy(turn, leaf, event)
        return True
    event = take_held(turn, leaf)
    if event is not None:
        satisfy(turn, leaf, event)
    return event is not None


def satisfy(turn: Turn, leaf: WaitPlan, event: ReceivedEvent | None) -> None:
    """End a wait: with its event, or without one where the saga goes on after a timeout."""
    step = turn.move(leaf.id, Move.OK)
    step.outcome = "ok"
    turn.clear_timer(wait_timer(leaf.id))
    if event is not None:
        turn.state.facts[leaf.gives] = event.payload


def take_held(turn: Turn, leaf: WaitPlan) -> ReceivedEvent | None:
    """The held event that a wait gets: the first that came, or the first in declared order; None if none is held."""
    wanted = [event for event in turn.state.held if event.type == leaf.event]
    if not wanted:
        return None
    chosen = min(wanted, key=lambda event: event.sequence) if leaf.sequence else wanted[0]
    turn.state.held.remove(chosen)
    return chosen


def _begin_sleep(turn: Turn, leaf: SleepPlan) -> bool:
    if turn.phase(leaf.id) is not Phase.IDLE:
        return False
    turn.count_begin(turn.move(leaf.id, Move.BEGIN))
    turn.set_timer(wait_timer(leaf.id), leaf.duration_ms)
    return True
