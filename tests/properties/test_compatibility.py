"""Each change that `saga contracts check` speaks of, against the official validator: instances of the old schema are valid
by the new one where it says compatible, and where it says that something breaks an instance shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as some
from hypothesis.errors import NoSuchExample
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, create_model

from orchestrator.contracts.compatibility import compare
from tests.properties.test_contracts import sent_by

Fields = dict[str, Any]
INT, TEXT = (int, ...), (str, ...)


class Line(BaseModel):
    sku: str


class Wider(BaseModel):
    sku: str
    colour: str = ""


class Narrower(BaseModel):
    sku: str
    colour: str


class Loose(BaseModel):
    b: str = ""


CHANGES: dict[str, tuple[Fields, Fields]] = {
    "nothing": ({"a": INT}, {"a": INT}),
    "an optional field is added": ({"a": INT}, {"a": INT, "b": (int, 0)}),
    "an optional field is removed": ({"a": INT, "b": (int, 0)}, {"a": INT}),
    "a required field is added": ({"a": INT}, {"a": INT, "b": INT}),
    "a required field is removed": ({"a": INT, "b": INT}, {"a": INT}),
    "an optional field is required": ({"a": (int, 0)}, {"a": INT}),
    "a whole number becomes a number": ({"a": INT}, {"a": (float, ...)}),
    "a number becomes text": ({"a": INT}, {"a": TEXT}),
    "a field may be null": ({"a": INT}, {"a": (int | None, ...)}),
    "a value is added": ({"a": (Literal["x"], ...)}, {"a": (Literal["x", "y"], ...)}),
    "a limit is set": ({"a": INT}, {"a": (Annotated[int, Field(ge=0)], ...)}),
    "a limit is moved": (
        {"a": (Annotated[int, Field(ge=0, le=9)], ...)},
        {"a": (Annotated[int, Field(ge=1, le=12)], ...)},
    ),
    "a text is bounded": ({"a": TEXT}, {"a": (Annotated[str, Field(max_length=5)], ...)}),
    "a list is bounded": ({"a": (list[int], ...)}, {"a": (Annotated[list[int], Field(max_length=2)], ...)}),
    "items change": ({"a": (list[int], ...)}, {"a": (list[str], ...)}),
    "a model inside gets an optional field": ({"a": (list[Line], ...)}, {"a": (list[Wider], ...)}),
    "a model inside gets a required field": ({"a": (list[Line], ...)}, {"a": (list[Narrower], ...)}),
    "a mapping becomes a model": ({"a": (dict[str, int], ...)}, {"a": (Loose, ...)}),
    "one becomes several": ({"a": INT}, {"a": (int | str, ...)}),
}


def schema(fields: Fields) -> dict[str, Any]:
    made: type[BaseModel] = create_model("Order", **fields)
    written = made.model_json_schema()
    whole: dict[str, Any] = inlined(written, written.get("$defs", {}))
    return whole


def inlined(part: Any, definitions: dict[str, Any]) -> Any:
    """The same without references: what makes instances follows none."""
    if isinstance(part, list):
        return [inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    made = {name: inlined(inner, definitions) for name, inner in part.items() if name != "$defs"}
    return {"required": [], **made} if made.get("type") == "object" else made


def is_called_compatible(reader: dict[str, Any], writer: dict[str, Any]) -> bool:
    return not compare({"order": writer}, {"order": reader}, "backward")


@pytest.mark.parametrize("way", ["backward", "forward"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_check_says_of_a_change_is_what_instances_show(change, way) -> None:
    old, new = map(schema, CHANGES[change])
    writer, reader = (old, new) if way == "backward" else (new, old)
    is_read = Draft202012Validator(reader).is_valid
    options = settings(max_examples=300, deadline=None, database=None)
    try:
        counterexample = find(sent_by(writer), lambda sent: not is_read(sent), settings=options)
    except NoSuchExample:
        assert is_called_compatible(reader, writer), "it says that something breaks, and nothing shows it"
    else:
        assert not is_called_compatible(reader, writer), counterexample


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.sampled_from(sorted(CHANGES)), some.data())
def test_a_model_takes_what_check_calls_readable(change: str, data: some.DataObject) -> None:
    """Not only by the schema: pydantic itself, as the relay asks it, takes what the older writer sends."""
    before, after = CHANGES[change]
    old, new = schema(before), schema(after)
    if is_called_compatible(new, old):
        model: type[BaseModel] = create_model("Order", **after)
        model.model_validate(data.draw(sent_by(old)))
