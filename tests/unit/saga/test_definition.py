"""A saga is an immutable value."""

from datetime import timedelta

import pytest

from orchestrator import Command, Event, Saga, command, event, publish, step, wait_for


class Placed(Event, type="order.placed"):
    order_id: str


class Settled(Event, type="payment.settled"):
    order_id: str


class Reserve(Command["Reserved"], type="stock.reserve"):
    order_id: str


class Reserved(Event):
    pass


@command(to="stock")
def reserve(placed: Placed) -> Reserve:
    return Reserve(order_id=placed.order_id)


class Release(Command["Reserved"], type="stock.release"):
    order_id: str


@command(to="returns")
def release(placed: Placed) -> Release:
    return Release(order_id=placed.order_id)


@event
def told(placed: Placed) -> Placed:
    return placed


def ship(version: int = 1, *more) -> Saga:
    waits = wait_for(Settled, within=timedelta(hours=1))
    parts = (step(reserve, undo=release), waits, publish(told), *more)
    return Saga("ship", *parts, starts_on=Placed, key="order_id", version=version)


def test_it_tells_its_name_version_trigger_and_place() -> None:
    saga = ship(version=4)
    assert (saga.name, saga.version, saga.starts_on, saga.plan.version) == ("ship", 4, Placed, 4)
    assert saga.place.startswith("saga/test_definition.py:")
    assert repr(saga) == "Saga('ship', version=4)"


def test_it_knows_what_it_takes_in_and_whom_it_asks() -> None:
    saga = ship()
    assert dict(saga.events) == {"order.placed": Placed, "payment.settled": Settled}
    assert dict(saga.commands) == {"stock.reserve": "stock", "stock.release": "returns"}
    assert saga.participants == ("returns", "stock")


def test_its_functions_are_found_by_the_names_in_its_plan() -> None:
    saga = ship()
    assert list(saga.handlers) == ["ship.reserve@1", "ship.release@1", "ship.told@1"]
    assert saga.handlers["ship.release@1"].function is release


@pytest.mark.parametrize("name", ["plan", "name", "anything"])
def test_nothing_can_be_set_or_removed(name) -> None:
    saga = ship()
    with pytest.raises(AttributeError, match="immutable"):
        setattr(saga, name, None)
    with pytest.raises(AttributeError, match="immutable"):
        delattr(saga, name)


def test_its_mappings_cannot_be_changed() -> None:
    saga = ship()
    for mapping in (saga.events, saga.handlers, saga.commands):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def test_two_definitions_of_the_same_content_are_equal() -> None:
    assert ship() == ship()
    assert hash(ship()) == hash(ship())
    assert ship() != ship(version=2)
    assert ship() != ship(1, step(reserve, undo=release, as_="again"))
    assert ship() != "ship"
