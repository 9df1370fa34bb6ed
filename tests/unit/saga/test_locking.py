"""A released version keeps its plan."""

from orchestrator import Event, Saga, event, publish
from orchestrator.saga.locking import is_locked, reused, updated


class Placed(Event):
    id: str


@event
def told(placed: Placed) -> Placed:
    return placed


def ship(version: int, *, name: str = "ship", publishes: int = 1) -> Saga:
    parts = [publish(told, as_=f"told_{number}") for number in range(publishes)]
    return Saga(name, *parts, starts_on=Placed, key="id", version=version)


def test_a_version_is_locked_with_its_plan() -> None:
    lock = updated({}, [ship(1)])
    assert lock == {"ship": {"1": ship(1).plan.content_hash}}
    assert is_locked(ship(1), lock)
    assert not is_locked(ship(2), lock)
    assert reused(ship(1), lock) is None
    assert reused(ship(2), lock) is None


def test_a_version_with_another_plan_is_told_with_its_remedy_and_place() -> None:
    problem = reused(ship(1, publishes=2), updated({}, [ship(1)]))
    assert problem is not None
    assert problem.code == "S022"
    assert "write version=2; or, if version 1 never ran, use saga check --update-lock" in problem.text
    assert problem.place.startswith("saga/test_locking.py:")


def test_updating_keeps_what_may_still_run_and_sorts_versions_as_numbers() -> None:
    lock = updated({"ship": {"10": "a", "x": "b"}, "gone": {"1": "c"}}, [ship(2), ship(1, name="able")])
    assert list(lock) == ["able", "gone", "ship"]
    assert list(lock["ship"]) == ["x", "2", "10"]
    assert lock["gone"] == {"1": "c"}
