from orchestrator.adapters.temporal.clock import Agenda, resend_pause_ms
from orchestrator.adapters.temporal.given import Limits


def agenda(**lengths):
    """Set one after the other at 1,000 ms."""
    made = Agenda()
    for name, after_ms in lengths.items():
        made.set(name, after_ms)
    made.read(1_000)
    return made


def test_what_is_due_is_taken_once_and_the_earliest_first() -> None:
    due = agenda(late=300, second=200, first=100)
    assert due.earliest() == 1_100
    due.ring(1_099)
    assert due.take_due() == []
    due.ring(1_200)
    assert due.take_due() == ["first", "second"]
    assert due.take_due() == []
    assert due.earliest() == 1_300


def test_a_length_begins_at_the_next_reading_not_when_it_was_set() -> None:
    """The time at which a workflow task began differs in a replay; the end of a run does not."""
    due = Agenda(now_ms=1_000)
    due.set("a", 100)
    due.ring(9_000)
    assert due.take_due() == []
    due.read(began_ms=5_000, now_ms=5_700)
    assert due.by_name == {"a": 5_100}


def test_only_a_timer_that_fired_makes_something_due_so_a_clock_set_forward_makes_nothing_early() -> None:
    due = agenda(a=100)
    due.read(3_600_000)
    assert due.take_due() == []
    due.ring(1_100)
    assert due.take_due() == ["a"]


def test_nothing_was_set_before_the_last_reading_whatever_a_workers_clock_says() -> None:
    due = Agenda(now_ms=2_000)
    due.set("a", 500)
    due.read(began_ms=1_000, now_ms=2_100)
    assert due.by_name == {"a": 2_500}


def test_a_clock_that_was_set_back_makes_nothing_due_at_once() -> None:
    due = agenda(a=100)
    due.ring(1_100)
    assert due.take_due() == ["a"]
    due.set("b", 50)
    due.read(500)
    assert due.by_name == {"b": 550}
    assert due.take_due() == []


def test_a_name_has_one_due_time_the_last_that_was_set() -> None:
    due = agenda(a=100)
    due.set("a", 50)
    assert due.earliest() is None
    due.read(1_010)
    assert due.earliest() == 1_060


def test_what_was_cleared_is_never_due_and_clearing_twice_is_no_fault() -> None:
    due = agenda(a=1)
    due.set("b", 1)
    for name in ("a", "a", "b"):
        due.clear(name)
    due.read(9_000)
    assert due.take_due() == []


def test_names_due_at_the_same_moment_come_in_a_fixed_order() -> None:
    due = agenda(b=1, a=1)
    due.ring(1_001)
    assert due.take_due() == ["a", "b"]


def test_the_pause_before_a_resend_doubles_up_to_its_limit() -> None:
    limits = Limits(resend_first_ms=2_000, resend_max_ms=60_000)
    assert [resend_pause_ms(limits, sent) for sent in (1, 2, 3, 4, 5, 6, 1_000)] == [
        2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]  # fmt: skip
