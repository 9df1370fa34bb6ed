"""Durable attempts of a worker that stood still: schedules written by hand, since hardly any seed would show them."""

from orchestrator.adapters.temporal import calls
from orchestrator.adapters.temporal.activities import Activities
from orchestrator.saga.plan import ParallelPlan, RetryPlan, SequencePlan
from tests.slow_kit import step, world_of

ONCE = RetryPlan(attempts=1, first_delay_ms=10, max_delay_ms=20)


def stop(world, worker, *, wakes_at):
    worker.process.stop()
    world.loop.after(wakes_at - world.loop.time(), worker.process.wake)


def effects_of(world):
    return [(what, key.split(":")[2]) for _, what, key in world.effects]


def handed_over_standing(monkeypatch):
    """A worker is given an attempt while it stands still, and wakes when the saga was undone."""
    world = world_of(SequencePlan(children=(step("s1", "durable", retry=ONCE),)))

    def handed(one, attempt):
        worker = world.workers[0]
        worker.process.call(worker.hands.begin, one, attempt, one.started_at, delay=0.001)
        stop(world, worker, wakes_at=20.0)
        world.add_worker()
        world.loop.after(1.0, world.server.cancel, "by hand")

    world.loop.after(0.0005, lambda: monkeypatch.setattr(world.workers[0], "attempt", handed))
    world.play()
    return world


def test_an_attempt_that_was_handed_to_a_worker_that_stood_still_is_not_begun_when_it_is_over(monkeypatch) -> None:
    right = handed_over_standing(monkeypatch)
    assert (right.word, right.violations, effects_of(right)) == ("Compensated", [], [])

    async def is_given_up(_):
        return False

    monkeypatch.setattr(Activities, "_is_given_up", is_given_up)
    wrong = handed_over_standing(monkeypatch)
    assert effects_of(wrong) == [("do", "s1")], "behind its undo, which found nothing to undo"
    assert wrong.violations != []


def begun_long_after_it_was_asked_for():
    """Its workflow task went on for more than a second with brief steps before the server knew of it."""
    brief = SequencePlan(children=(step("b1"), step("b2")))
    world = world_of(ParallelPlan(children=(step("s1", "durable", within_ms=6_000, retry=ONCE), brief)), slow=3)

    def strike():
        stop(world, world.workers[0], wakes_at=7.2)
        world.add_worker()
        world.loop.after(3.0, world.server.cancel, "by hand")

    world.loop.after(1.7, strike)
    world.play()
    return world


def test_an_undo_waits_for_the_deadline_of_an_attempt_that_was_asked_for_long_before_it_was_begun(monkeypatch) -> None:
    right = begun_long_after_it_was_asked_for()
    assert (right.word, right.violations) == ("Compensated", [])
    assert effects_of(right)[-1] == ("undo", "s1")
    real = calls._still_performed_ms
    monkeypatch.setattr(calls, "_still_performed_ms", lambda *told: max(0, real(*told) - 2_000))
    wrong = begun_long_after_it_was_asked_for()
    assert effects_of(wrong)[-1] == ("do", "s1")
    assert wrong.violations != []
