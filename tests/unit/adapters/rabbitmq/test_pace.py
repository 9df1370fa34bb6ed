from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.rabbitmq import pace as module
from orchestrator.adapters.rabbitmq.pace import Pace


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_burst_goes_at_once_then_one_an_interval():
    pace = Pace(burst=3, interval=2, clock=Clock())
    assert [pace.wait("a") for _ in range(6)] == [0, 0, 0, 2, 4, 6]


def test_executions_do_not_wait_for_each_other():
    pace = Pace(burst=1, interval=2, clock=Clock())
    assert [pace.wait(key) for key in ("a", "b", "a", "c")] == [0, 0, 2, 0]


def test_what_was_not_used_for_a_while_can_be_saved_up_to_a_burst():
    clock = Clock()
    pace = Pace(burst=2, interval=2, clock=clock)
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 2]
    clock.now += 1_000
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 2]


def test_who_only_asks_takes_nothing_that_is_not_there():
    clock = Clock()
    pace = Pace(burst=2, interval=2, clock=clock)
    assert [pace.may("a") for _ in range(5)] == [True, True, False, False, False]
    clock.now += 2
    assert [pace.may("a") for _ in range(2)] == [True, False]


def test_rested_executions_are_forgotten(monkeypatch):
    monkeypatch.setattr(module, "FORGET_ABOVE", 10)
    clock = Clock()
    pace = Pace(burst=2, interval=2, clock=clock)
    for number in range(10):
        pace.wait(f"old {number}")
    clock.now += 2
    pace.wait("busy")
    assert pace.known == 1


@given(st.lists(st.floats(0, 1), max_size=200))
def test_four_processes_never_have_more_than_a_hundred_signals_wait_for_a_workflow_task_of_less_than_half_a_second(
    gaps,
):
    clock = Clock()
    pace = Pace(clock=clock)
    sent = []
    for gap in gaps:
        clock.now += gap / 100
        sent.append(clock.now + pace.wait("a"))
    for first in sent:
        assert sum(first <= moment < first + 0.4 for moment in sent) * 4 <= 100
