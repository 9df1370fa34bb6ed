"""Messages can travel, are told apart, and name their execution."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, NewType

import pytest
from pydantic import Field

from orchestrator import Event, Saga, SagaDefinitionError, event, publish, wait_for
from orchestrator.saga.checks_messages import json_problem, named

OrderId = NewType("OrderId", str)


class Placed(Event, type="placed"):
    id: str
    number: int = 0
    order: OrderId = OrderId("")
    short: Annotated[str, Field(max_length=9)] = ""
    maybe: str | None = None
    price: float = 0.0


class Numbered(Event, type="numbered"):
    id: int


class Unnamed(Event, type="order.*"):
    id: str


class Twin(Event, type="placed"):
    id: str


class Calls(Event, type="calls"):
    id: str
    back: Callable[[], None]


@event
def told(placed: Placed) -> Placed:
    return placed


def found(*parts, key="id") -> list[str]:
    try:
        Saga("broken", publish(told), *parts, starts_on=Placed, key=key, version=1)
    except SagaDefinitionError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize("key", ["id", "number", "order", "short"])
def test_a_key_is_text_or_a_number_however_it_is_written(key) -> None:
    assert found(key=key) == []


@pytest.mark.parametrize(("key", "text"), [("maybe", "Placed.maybe is str | None"), ("price", "Placed.price is float")])
def test_other_keys_name_nothing(key, text) -> None:
    (told_,) = found(key=key)
    assert told_.startswith(f"S016 {text}: a key is str or int")


def test_a_missing_key_is_told_what_fields_there_are() -> None:
    (told_,) = found(key="ident")
    assert told_.startswith(
        "S014 Placed in starts_on has no field 'ident' (it has: id, number, order, short, maybe, price)"
    )


def test_all_keys_of_a_saga_are_of_one_type() -> None:
    (told_,) = found(wait_for(Numbered, within=timedelta(1)))
    assert told_.startswith("S016 Numbered.id is int, the saga's key is str: make them the same")


def test_a_message_type_is_a_routing_key_without_wild_cards() -> None:
    (told_,) = found(wait_for(Unnamed, within=timedelta(1)))
    assert told_.startswith("S017 Unnamed has type 'order.*'")


def test_a_message_type_belongs_to_one_class() -> None:
    (told_,) = found(wait_for(Twin, within=timedelta(1)))
    assert told_.startswith("S027 Twin and Placed (saga/test_checks_messages.py) have type 'placed'")


def test_what_json_cannot_carry_is_refused() -> None:
    (told_,) = found(wait_for(Calls, within=timedelta(1)))
    assert told_.startswith("S021 Calls cannot be written as JSON")
    assert json_problem(Placed) == ""


@pytest.mark.parametrize(
    ("annotation", "text"),
    [(Placed, "Placed"), (Placed | None, "Placed | None"), (type(None), "None"), (list[Placed], "list[Placed]")],
)
def test_an_annotation_is_named_as_it_is_written(annotation, text) -> None:
    assert named(annotation) == text
