"""Faults that hardly any seed would show: each with a schedule on the simulated servers that is written by hand."""

from math import inf

from orchestrator.adapters.temporal.interpreter import Interpreter
from orchestrator.adapters.temporal.running import Run
from orchestrator.saga.plan import CallPlan, Plan, SequencePlan, StepPlan, TriggerPlan
from orchestrator.testing.simulation.dice import Dice
from orchestrator.testing.simulation.plans import RETRY, TRIGGER, UNDO_RETRY
from orchestrator.testing.simulation.world import Profile, World

SLOW_S = 0.7
"""What each action takes: less than the second it has, and two are more than the second that a run has."""


class Slow(Dice):
    """No bad luck but that the first so many actions are slow."""

    def __init__(self, times):
        super().__init__(1)
        self.times = times

    def fault(self, kind, likelihood):
        return kind == "action slow" and self.faults[kind] < self.times and super().fault(kind, 1.0)

    def between(self, low, high):
        return SLOW_S if (low, high) == (0.3, 3.0) else super().between(low, high)


def brief(name):
    do, undo = (CallPlan(lane="brief", handler=handler) for handler in (name, f"undo_{name}"))
    return StepPlan(id=name, do=do, undo=undo, within_ms=3_000, retry=RETRY, undo_retry=UNDO_RETRY)


def world_of(*names):
    root = SequencePlan(children=tuple(map(brief, names)))
    plan = Plan(
        saga="random", version=1, trigger=TriggerPlan(event=TRIGGER, gives="start", key="id"), root=root, within_ms=None
    )
    return World(plan, Slow(len(names)), Profile(cancels=0.0, people=0.0))


def played(world):
    world.play()
    return world


def test_no_run_begins_a_step_behind_its_budget(monkeypatch) -> None:
    right = played(world_of("s1", "s2", "s3"))
    assert (right.word, right.violations) == ("Completed", [])
    real = Run._take_ready

    def take_ready(self):
        self._budget, budget = inf, self._budget
        ready = real(self)
        self._budget = budget
        return ready

    monkeypatch.setattr(Run, "_take_ready", take_ready)
    assert played(world_of("s1", "s2", "s3")).violations == ["s3 was begun later than its run may begin anything"]


def failed_under_way():
    """The server fails a workflow task while its run is under way, and another worker repeats it, cancelled.

    As it does if more signals come beside a task than it keeps (express.md, 18).
    """
    world = world_of("s1")

    def strike():
        run = world.server.run
        assert run.task is not None
        assert run.task.is_started
        assert world.effects == []
        world.workers.pop()  # it takes no more tasks, and goes on with what it has in hand
        world.add_worker()
        world.server.cancel("by hand")
        world.server.fail(run, run.task)

    world.loop.after(0.2, strike)
    return played(world)


def test_an_undo_waits_while_a_slow_worker_may_perform_a_lost_run(monkeypatch) -> None:
    right = failed_under_way()
    assert (right.word, right.violations) == ("Compensated", [])
    assert [what for _, what, _ in right.effects] == ["do", "undo"]
    monkeypatch.setattr(Interpreter, "_fence_ms", property(lambda self: 0))
    wrong = failed_under_way()
    assert [what for _, what, _ in wrong.effects] == ["do"], "its undo came first, and found nothing to undo"
    assert wrong.violations != []
