"""Which changes of a contract break whom: the rules of tolerant readers, one example each."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from orchestrator import Event, numbered
from orchestrator.contracts.compatibility import Finding, Mode, compare
from orchestrator.contracts.contract import Contract, Schema
from orchestrator.contracts.json_schema import bundle


def schema(**fields) -> Schema:
    model: type[BaseModel] = create_model("Order", **fields)
    return model.model_json_schema()


def found(old: Schema, new: Schema, mode: Mode = "full") -> list[tuple[str, str, str]]:
    findings = compare({"order": old}, {"order": new}, mode)
    assert all(one.verdict == "breaks" for one in findings)
    return [(one.way, one.place, one.text) for one in findings]


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Branch(BaseModel):
    name: str
    below: "list[Branch]" = []


INT, TEXT = (int, ...), (str, ...)
BACKWARD, FORWARD = ["backward"], ["forward"]
BOTH = [*BACKWARD, *FORWARD]

CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "nothing": ({"a": INT}, {"a": INT}, []),
    "an optional field is added": ({"a": INT}, {"a": INT, "b": (int, 0)}, []),
    "an optional field is removed": ({"a": INT, "b": (int, 0)}, {"a": INT}, []),
    "a required field is added": ({"a": INT}, {"a": INT, "b": INT}, BACKWARD),
    "a required field is removed": ({"a": INT, "b": INT}, {"a": INT}, FORWARD),
    "an optional field is required": ({"a": (int, 0)}, {"a": INT}, BACKWARD),
    "a required field is optional": ({"a": INT}, {"a": (int, 0)}, FORWARD),
    "a whole number becomes a number": ({"a": INT}, {"a": (float, ...)}, FORWARD),
    "a number becomes text": ({"a": INT}, {"a": TEXT}, BOTH),
    "a field may be null": ({"a": INT}, {"a": (int | None, ...)}, FORWARD),
    "a value is added": ({"a": (Literal["x"], ...)}, {"a": (Literal["x", "y"], ...)}, FORWARD),
    "a value is removed": ({"a": (Literal["x", "y"], ...)}, {"a": (Literal["x"], ...)}, BACKWARD),
    "text becomes one of some values": ({"a": TEXT}, {"a": (Literal["x", "y"], ...)}, BACKWARD),
    "a limit is lowered": (
        {"a": (Annotated[int, Field(le=9)], ...)},
        {"a": (Annotated[int, Field(le=5)], ...)},
        BACKWARD,
    ),
    "a limit is dropped": ({"a": (Annotated[int, Field(ge=1)], ...)}, {"a": INT}, FORWARD),
    "a limit includes itself": (
        {"a": (Annotated[int, Field(gt=1)], ...)},
        {"a": (Annotated[int, Field(ge=1)], ...)},
        FORWARD,
    ),
    "text may be longer": ({"a": (Annotated[str, Field(max_length=5)], ...)}, {"a": TEXT}, FORWARD),
    "text must have a form": ({"a": TEXT}, {"a": (Annotated[str, Field(pattern="^a")], ...)}, BACKWARD),
    "a multiple of less": (
        {"a": (Annotated[int, Field(multiple_of=4)], ...)},
        {"a": (Annotated[int, Field(multiple_of=2)], ...)},
        FORWARD,
    ),
    "items must not repeat": ({"a": (list[int], ...)}, {"a": (set[int], ...)}, BACKWARD),
    "items of a list": ({"a": (list[int], ...)}, {"a": (list[str], ...)}, BOTH),
    "a tuple grows": ({"a": (tuple[int], ...)}, {"a": (tuple[int, int], ...)}, BOTH),
    "a tuple's item": ({"a": (tuple[int, int], ...)}, {"a": (tuple[int, str], ...)}, BOTH),
    "values of a mapping": ({"a": (dict[str, int], ...)}, {"a": (dict[str, str], ...)}, BOTH),
    "anything becomes something": ({"a": (object, ...)}, {"a": INT}, BACKWARD),
    "a type that holds itself": ({"a": (Branch, ...)}, {"a": (Branch, ...)}, []),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_breaks_those_whom_it_breaks(change) -> None:
    old, new, ways = CHANGES[change]
    assert sorted({way for way, _, _ in found(schema(**old), schema(**new))}) == ways


def test_a_field_within_a_list_of_objects_is_named_by_its_path() -> None:
    new_line = create_model("Line", __base__=Line, currency=(str, ...))
    old, new = schema(lines=(list[Line], ...)), schema(lines=(list[new_line], ...))
    assert found(old, new, "backward") == [("backward", "lines[].currency", "is required, and is not sent")]
    assert found(old, new, "forward") == []


def test_fields_that_a_closed_reader_does_not_know_break_it() -> None:
    closed = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    opened = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    assert found(opened, closed, "backward") == [("backward", "b", "is sent, and no such field is allowed")]


def test_an_alternative_that_nobody_takes_is_named() -> None:
    old, new = schema(a=(int | Line, ...)), schema(a=(int | str, ...))
    assert found(old, new, "backward") == [
        ("backward", "a", "Line is not taken: object is sent, only integer is taken"),
    ]


def test_what_has_no_rule_is_for_a_person() -> None:
    old = {"type": "string", "pattern": "^a"}
    for new in ({"type": "string", "pattern": "^b"}, {"type": "string", "pattern": "^a", "not": {"const": "x"}}):
        (finding,) = compare({"order": old}, {"order": new}, "backward")
        assert finding.verdict == "unknown"
    beside = {"anyOf": [{"type": "string"}], "minLength": 1}
    assert {one.verdict for one in compare({"order": beside}, {"order": beside}, "backward")} == {"unknown"}


def test_a_type_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    text = "the message type is gone: who sends or awaits it is left alone"
    assert compare({"order": {}}, {}, "backward") == (Finding("order", "", "backward", "breaks", text),)
    assert compare({}, {"order": {}}) == ()


def test_titles_and_descriptions_do_not_matter() -> None:
    assert found({"type": "object", "title": "A", "x-kind": "event"}, {"type": "object", "description": "B"}) == []


def test_an_unresolvable_reference_is_for_a_person() -> None:
    (finding,) = compare({"order": {"$ref": "#/$defs/Gone"}}, {"order": {"type": "object"}}, "forward")
    assert finding.verdict == "unknown"


VERSIONED: dict[str, tuple[Schema, Schema, list[str]]] = {
    "a version that upcasters lead from": ({}, {"x-version": 2}, FORWARD),
    "a version that is not taken any more": ({}, {"x-version": 2, "x-oldest-version": 2}, BOTH),
    "back to an older one": ({"x-version": 2}, {}, BACKWARD),
    "the same version": ({"x-version": 2}, {"x-version": 2, "x-oldest-version": 2, "deprecated": True}, []),
}


@pytest.mark.parametrize(("old", "new", "ways"), VERSIONED.values(), ids=VERSIONED.keys())
def test_between_versions_upcasters_decide(old, new, ways) -> None:
    before, after = schema(a=INT), schema(a=TEXT if new.get("x-version", 1) != old.get("x-version", 1) else INT)
    assert [way for way, _, _ in found({**before, **old}, {**after, **new})] == ways


CARRIED: dict[str, tuple[Schema, Schema, list[str]]] = {
    "json becomes avro": ({}, {"x-codec": "avro"}, FORWARD),
    "avro becomes json": ({"x-codec": "avro"}, {}, BACKWARD),
    "avro becomes protobuf": ({"x-codec": "avro"}, {"x-codec": "protobuf"}, BOTH),
    "avro stays": ({"x-codec": "avro"}, {"x-codec": "avro"}, []),
}


@pytest.mark.parametrize(("old", "new", "ways"), CARRIED.values(), ids=CARRIED.keys())
def test_json_is_taken_for_every_type_and_a_codec_only_where_it_is_declared(old, new, ways) -> None:
    same = schema(a=INT)
    assert [way for way, _, _ in found({**same, **old}, {**same, **new})] == ways


class First(Event, type="order", codec="protobuf"):
    a: int
    b: str = ""
    lines: tuple[Line, ...] = ()


def in_protobuf(model: type[Event]) -> Schema:
    contract = Contract(type="order", kind="event", model=model, codec="protobuf")
    made: Schema = bundle([contract])["$defs"]["order"]
    return made


def test_a_field_at_the_end_keeps_all_numbers_and_one_in_between_moves_those_behind_it() -> None:
    class AtTheEnd(Event, type="order"):
        a: int
        b: str = ""
        lines: tuple[Line, ...] = ()
        c: str = ""

    class Between(Event, type="order"):
        a: int
        c: str = ""
        b: str = ""
        lines: tuple[Line, ...] = ()

    class Numbered(Event, type="order"):
        a: int
        c: Annotated[str, numbered(9)] = ""
        b: Annotated[str, numbered(2)] = ""
        lines: tuple[Line, ...] = ()

    first = in_protobuf(First)
    assert found(first, in_protobuf(AtTheEnd)) == []
    assert found(first, in_protobuf(Numbered)) == []
    told = found(first, in_protobuf(Between), "backward")
    assert ("backward", "b", "is 'string = 3', and 'string = 2' where it is sent") in told
    assert {place for _, place, _ in told} == {"b", "c", "lines"}


def test_a_number_is_not_used_again_and_a_kind_does_not_change() -> None:
    class Reused(Event, type="order"):
        a: int
        other: str = ""
        lines: tuple[Line, ...] = ()

    class Widened(Event, type="order"):
        a: float
        b: str = ""
        lines: tuple[Line, ...] = ()

    first = in_protobuf(First)
    assert found(first, in_protobuf(Reused), "backward") == [
        ("backward", "other", "has the number of 'b' where it is sent: take a new one")
    ]
    assert ("backward", "a", "is 'double = 1', and 'int64 = 1' where it is sent") in found(first, in_protobuf(Widened))


def test_numbers_of_models_inside_are_kept_too() -> None:
    line = in_protobuf(First)["$defs"]["Line"]["properties"]
    assert {name: part["x-protobuf"] for name, part in line.items()} == {"sku": "string = 1", "quantity": "int64 = 2"}
