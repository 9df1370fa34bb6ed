from orchestrator.adapters.temporal.clock import DueTimes, resend_pause_ms
from orchestrator.adapters.temporal.given import Limits


def test_what_is_due_is_taken_once_and_the_earliest_first() -> None:
    due = DueTimes()
    due.set("late", 300)
    due.set("second", 200)
    due.set("first", 100)
    assert due.earliest() == 100
    assert due.take_due(99) == []
    assert due.take_due(200) == ["first", "second"]
    assert due.take_due(200) == []
    assert due.earliest() == 300


def test_a_name_has_one_due_time_the_last_that_was_set() -> None:
    due = DueTimes()
    due.set("a", 100)
    due.set("a", 50)
    assert due.take_due(60) == ["a"]
    assert due.earliest() is None


def test_what_was_cleared_is_never_due_and_clearing_twice_is_no_fault() -> None:
    due = DueTimes({"a": 1})
    due.clear("a")
    due.clear("a")
    assert due.take_due(10) == []


def test_names_due_at_the_same_moment_come_in_a_fixed_order() -> None:
    assert DueTimes({"b": 1, "a": 1}).take_due(1) == ["a", "b"]


def test_the_pause_before_a_resend_doubles_up_to_its_limit() -> None:
    limits = Limits(resend_first_ms=2_000, resend_max_ms=60_000)
    assert [resend_pause_ms(limits, sent) for sent in (1, 2, 3, 4, 5, 6, 1_000)] == [
        2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]  # fmt: skip
