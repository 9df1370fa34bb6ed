"""Faults that hardly any seed would show: each with a schedule on the simulated servers that is written by hand."""

from math import inf

from orchestrator.adapters.temporal.interpreter import Interpreter
from orchestrator.adapters.temporal.running import Run
from orchestrator.saga.plan import SequencePlan
from tests.slow_kit import step, world_of


def slow_row(*names):
    """Brief steps one after the other, each of them slow."""
    return world_of(SequencePlan(children=tuple(map(step, names))), slow=len(names))


def played(world):
    world.play()
    return world


def test_no_run_begins_a_step_behind_its_budget(monkeypatch) -> None:
    right = played(slow_row("s1", "s2", "s3"))
    assert (right.word, right.violations) == ("Completed", [])
    real = Run._take_ready

    def take_ready(self):
        self._budget, budget = inf, self._budget
        ready = real(self)
        self._budget = budget
        return ready

    monkeypatch.setattr(Run, "_take_ready", take_ready)
    assert played(slow_row("s1", "s2", "s3")).violations == ["s3 was begun later than its run may begin anything"]


def failed_under_way():
    """The server fails a workflow task while its run is under way, and another worker repeats it, cancelled.

    As it does if more signals come beside a task than it keeps (express.md, 18).
    """
    world = slow_row("s1")

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
