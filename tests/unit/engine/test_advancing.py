"""What begins, and how far the flow goes on without news."""

from tests.engine_kit import Engine, parallel, sequence, step, wait


def test_what_stands_behind_a_wait_begins_at_once_if_its_event_was_held_though_a_step_beside_it_goes_on() -> None:
    engine = Engine(step("first"), parallel(sequence(wait("w"), step("x")), step("s")))
    engine.arrive()
    assert sorted(engine.ok("first")) == ["do s 1", "do x 1"]


def test_a_wait_that_got_its_event_has_its_outcome() -> None:
    engine = Engine(wait("w"))
    engine.arrive()
    assert engine.outcome("w") == "ok"
