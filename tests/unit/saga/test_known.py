"""Which facts are known at a point of a flow, and which of them a crash can lose."""

from orchestrator import Event
from orchestrator.saga.known import Known, Made


class Placed(Event):
    pass


MADE = Made(Placed)


def known(*names: str, recorded: tuple[str, ...] = ()) -> Known:
    return Known(dict.fromkeys(names, MADE), set(recorded))


def test_a_branch_knows_what_was_known_before_and_can_have_what_is_made_above_it() -> None:
    start = known("placed")
    first = start.branch([], frozenset({"below"}))
    first.make("above", MADE)
    second = start.branch([first], frozenset())
    assert "above" not in second.facts
    assert second.take("above") is MADE
    assert "above" in second.facts
    assert first.take("below") is None


def test_what_is_taken_from_beside_is_recorded_only_if_it_is_there() -> None:
    start = known()
    first = start.branch([], frozenset())
    first.make("quick", MADE)
    first.record()
    first.make("slow", MADE)
    second = start.branch([first], frozenset())
    second.take("quick")
    second.take("slow")
    assert second.recorded == {"quick"}


def test_the_server_records_what_was_known_but_not_what_stands_beside_unused() -> None:
    start = known()
    first = start.branch([], frozenset())
    first.make("beside", MADE)
    second = start.branch([first], frozenset())
    second.make("own", MADE)
    second.record()
    assert second.recorded == {"own"}


def test_behind_a_parallel_all_is_known_and_what_any_branch_recorded_is_recorded() -> None:
    start = known("placed", recorded=("placed",))
    first, second = start.branch([], frozenset()), start.branch([], frozenset())
    first.make("a", MADE)
    first.record()
    second.make("b", MADE)
    start.join([first, second])
    assert set(start.facts) == {"placed", "a", "b"}
    assert start.recorded == {"placed", "a"}


def test_an_inner_branch_sees_what_stands_beside_its_outer_one() -> None:
    start = known()
    first = start.branch([], frozenset({"later"}))
    first.make("above", MADE)
    second = start.branch([first], frozenset())
    inner = second.branch([], frozenset({"inner_later"}))
    assert inner.take("above") is MADE
    assert first.branch([], frozenset({"more"})).elsewhere == {"later", "more"}
