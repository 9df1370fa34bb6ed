"""Schedules on the simulated servers that are written by hand: actions are slow, and nothing else is left to chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.saga.plan import CallPlan, Plan, StepPlan, TriggerPlan
from orchestrator.testing.simulation.dice import Dice
from orchestrator.testing.simulation.plans import RETRY, TRIGGER, UNDO_RETRY
from orchestrator.testing.simulation.world import Profile, World

if TYPE_CHECKING:
    from orchestrator.saga.plan import Lane, Node, RetryPlan

SLOW_S = 0.7
"""What a slow action takes before its effect: less than the second that a run has, and two take more."""
HORIZON_S = 40.0


class Slow(Dice):
    """No bad luck but that the first so many actions are slow; every length of time is its shortest."""

    def __init__(self, times: int) -> None:
        super().__init__(1)
        self.times = times

    def fault(self, kind: str, likelihood: float) -> bool:
        return kind == "action slow" and self.faults[kind] < self.times and super().fault(kind, 1.0)

    def between(self, low: float, high: float) -> float:
        if (low, high) == (0.3, 3.0):
            return SLOW_S
        return high if high == HORIZON_S else low


def step(name: str, lane: Lane = "brief", *, within_ms: int = 3_000, retry: RetryPlan = RETRY) -> StepPlan:
    do, undo = CallPlan(lane=lane, handler=name), CallPlan(lane="brief", handler=f"undo_{name}")
    return StepPlan(id=name, do=do, undo=undo, within_ms=within_ms, retry=retry, undo_retry=UNDO_RETRY)


def world_of(root: Node, *, slow: int = 0) -> World:
    """A world in which the first `slow` actions are slow; nobody cancels, and people do nothing."""
    trigger = TriggerPlan(event=TRIGGER, gives="start", key="id")
    plan = Plan(saga="random", version=1, trigger=trigger, root=root, within_ms=None)
    return World(plan, Slow(slow), Profile(cancels=0.0, people=0.0, horizon_s=HORIZON_S), is_told=True)
