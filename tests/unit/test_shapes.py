"""What Avro and Protobuf can carry of a model, and what is said of the rest."""

from typing import Annotated, Any, Literal, Union

import pytest
from pydantic import BaseModel, Field, RootModel

from orchestrator.errors import UncarriableError
from orchestrator.messages import numbered
from orchestrator.shapes import NO_DEFAULT, Shape, namespace_of, shape_of


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Order(BaseModel):
    id: str = Field(alias="orderId")
    lines: list[Line]
    note: Annotated[str | None, numbered(7)] = None
    after: float = 0.0
    by: dict[str, Line] = {}
    either: int | float = 0
    kind: Literal["a", None, "b"] = "a"  # noqa: PYI061 - None among the values is what this is about


def test_fields_have_the_names_under_which_they_travel_and_their_numbers_go_on() -> None:
    fields = shape_of(Order).fields
    assert [(one.name, one.number) for one in fields] == [
        ("orderId", 1),
        ("lines", 2),
        ("note", 7),
        ("after", 8),
        ("by", 9),
        ("either", 10),
        ("kind", 11),
    ]
    assert [one.default for one in fields] == [NO_DEFAULT, NO_DEFAULT, None, 0.0, {}, 0, "a"]


def test_shapes_say_what_is_held() -> None:
    shapes = {one.name: one.shape for one in shape_of(Order).fields}
    assert shapes["note"] == Shape("text", is_nullable=True)
    assert shapes["either"] == Shape("number")
    assert shapes["kind"] == Shape("text", is_nullable=True)
    for many in (shapes["lines"], shapes["by"]):
        assert many.item is not None
        assert many.item.record is not None
        assert many.item.record.name == "Line"


class Tree(BaseModel):
    below: "list[Tree]" = []


class Empty(BaseModel):
    pass


class Holding(BaseModel):
    inner: Empty = Empty()


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


def model(annotation: Any, **options: Any) -> type[BaseModel]:
    return type("Held", (BaseModel,), {"__annotations__": {"it": annotation}, "it": Field(**options)})


class Twin(BaseModel):
    class Twin(BaseModel):
        a: str

    it: Twin


UNCARRIABLE = {
    "anything": (model(Any), "Held.it may be anything: say its type"),
    "two kinds": (model(Union[int, str]), "Held.it may be of several kinds"),  # noqa: UP007
    "two models": (model(Cat | Dog), "Held.it may be of several kinds"),
    "one of two models by a word": (model(Cat | Dog, discriminator="kind"), "Held.it may be of several kinds"),
    "values of two kinds": (model(Literal["a", 1]), "Held.it has values of several kinds"),
    "places of different kinds": (model(tuple[int, str]), "Held.it has places of different kinds"),
    "a free object": (model(dict[str, Any]), "Held.it may hold anything"),
    "a bare dictionary": (model(dict), "Held.it may hold anything"),
    "itself": (Tree, "Tree.* holds Tree inside Tree"),
    "many of nothing": (model(list[Holding]), "Held.it[] has no fields"),
    "a name that is none there": (model(int, alias="order-id"), "Held.order-id is no name there"),
    "number zero": (model(Annotated[int, numbered(0)]), "has number 0: take a whole number from 1"),
    "a number of theirs": (model(Annotated[int, numbered(19_500)]), "has number 19500"),
    "no object": (RootModel[int], "has no named fields"),
    "two of one name": (Twin, "is a Twin, and so is another model in it, or itself"),
}


@pytest.mark.parametrize(("broken", "told"), UNCARRIABLE.values(), ids=UNCARRIABLE.keys())
def test_what_only_json_can_carry_is_told_by_its_place(broken, told) -> None:
    with pytest.raises(UncarriableError) as raised:
        shape_of(broken)
    for part in told.split("*"):
        assert part.strip(".") in str(raised.value)


def test_a_number_is_used_once() -> None:
    class Both(BaseModel):
        a: Annotated[int, numbered(2)]
        b: Annotated[int, numbered(2)]

    with pytest.raises(UncarriableError, match=r"Both.b has number 2, as a has: take another one"):
        shape_of(Both)


@pytest.mark.parametrize(
    ("message_type", "namespace"), [("order.placed", "order.placed"), ("a-b.2nd", "a_b._2nd"), ("a..b", "a.b")]
)
def test_a_type_is_a_namespace_whatever_it_is_called(message_type, namespace) -> None:
    assert namespace_of(message_type) == namespace
