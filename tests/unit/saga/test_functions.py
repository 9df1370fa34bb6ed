"""Decorated functions stay what they were, and tell what their signatures say."""

import pytest

from orchestrator import ActionContext, Command, Event, action, command, event
from orchestrator.saga.functions import Action, CommandBuilder, EventBuilder, is_class_of, is_optional


class Placed(Event):
    order_id: str


class Reserve(Command["Reserved"]):
    order_id: str


class Reserved(Event):
    reservation: str = "r1"


@command(to="stock", version=2)
def reserve(placed: Placed, reserved: Reserved | None) -> Reserve:
    return Reserve(order_id=placed.order_id)


@event
def told(placed: Placed) -> Placed:
    return placed


@event(version=3)
def told_again(placed: Placed) -> Placed:
    return placed


@action
async def work(placed: Placed, ctx: ActionContext) -> Reserved:
    return Reserved()


@action(brief=True, version=4)
async def tidy(placed: Placed) -> None: ...


def test_a_function_can_be_called_as_it_was_written() -> None:
    assert reserve(Placed(order_id="1"), None) == Reserve(order_id="1")


async def test_an_action_can_be_awaited_as_it_was_written() -> None:
    assert await work(Placed(order_id="1"), ActionContext(idempotency_key="k")) == Reserved()


def test_a_decorator_decides_the_lane_and_the_version() -> None:
    assert [(one.lane, one.version) for one in (reserve, told, told_again, work, tidy)] == [
        ("command", 2),
        ("publish", 1),
        ("publish", 3),
        ("durable", 1),
        ("brief", 4),
    ]
    assert [type(one) for one in (reserve, told, work)] == [CommandBuilder, EventBuilder, Action]
    assert [reserve.to, work.to] == ["stock", None]


def test_facts_are_its_parameters_but_for_the_context() -> None:
    assert reserve.parameters == {"placed": Placed, "reserved": Reserved | None}
    assert list(work.parameters) == ["placed"]
    assert [work.takes_context, reserve.takes_context] == [True, False]


def test_its_fact_is_the_reply_of_its_command_or_the_result_of_its_action() -> None:
    assert [one.fact for one in (reserve, work, told, tidy)] == ["reserved", "reserved", None, None]


def test_it_tells_its_name_and_place() -> None:
    assert reserve.name == "reserve"
    assert reserve.place == f"saga/test_functions.py:{reserve.call.__code__.co_firstlineno}"


@pytest.mark.parametrize(("annotation", "is_one"), [(Placed | None, True), (Placed, False), (Placed | int, False)])
def test_optional_means_that_none_is_allowed(annotation, is_one) -> None:
    assert is_optional(annotation) is is_one


def test_only_plain_classes_are_classes_of_something() -> None:
    assert is_class_of(Placed, Event)
    assert not is_class_of(Placed | None, Event)
    assert not is_class_of(Placed, Command)
