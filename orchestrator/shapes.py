"""What bodies are made of, as far as Avro and Protobuf can carry them: read off a model's JSON Schema. Pure.

Both carry JSON values, one to one: dates, decimals and ids travel as the text that JSON has for them, enumerations as
their values, which the model checks on the way in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from orchestrator.errors import UncarriableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

NUMBER = "x-number"
"""Keyword of a field's number in Protobuf, if it says one itself."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_NUMBER = 2**29 - 1
RESERVED = range(19_000, 20_000)
"""Numbers that Protobuf keeps for itself."""
NO_DEFAULT = object()

Kind: TypeAlias = Literal["text", "whole", "number", "flag", "list", "map", "record"]
Doc: TypeAlias = "Mapping[str, Any]"
PLAIN: dict[str, Kind] = {"string": "text", "integer": "whole", "number": "number", "boolean": "flag"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of value. `item`: what a list or a map holds; `record`: what a record has."""

    kind: Kind
    is_nullable: bool = False
    item: Shape | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `default`: what readers put in its place, `NO_DEFAULT` if that is not known or there is none."""

    name: str
    number: int
    shape: Shape
    default: Any = NO_DEFAULT


@dataclass(frozen=True, slots=True)
class Record:
    """An object with named fields, in the order in which they are declared."""

    name: str
    fields: tuple[Field, ...]


@cache
def shape_of(model: type[BaseModel]) -> Record:
    """The shape of a model's bodies.

    Raises:
        UncarriableError: it has something that only JSON can carry; says where, and what to do.
    """
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    reader = _Reader(model.__name__, schema.get("$defs", {}), is_named_once="$ref" not in schema)
    shape = reader.of({**schema, "title": model.__name__}, "")
    if shape.record is None:
        raise UncarriableError(model.__name__, "", "has no named fields: give it some")
    return shape.record


def namespace_of(message_type: str) -> str:
    """A message type as the name of a namespace or package: `order.placed`, `_2nd.order_placed`."""
    parts = [re.sub(r"\W", "_", part, flags=re.ASCII) for part in message_type.split(".") if part]
    return ".".join(f"_{part}" if part[0].isdigit() else part for part in parts)


class _Reader:
    """Reads the schemas of one model.

    Args:
        model: its name.
        definitions: what its schema refers to.
        is_named_once: nothing that it refers to is the model itself.
    """

    def __init__(self, model: str, definitions: Doc, *, is_named_once: bool) -> None:
        self._model = model
        self._definitions = definitions
        self._under_way: list[str] = []
        self._named = {_name(model): "" if is_named_once else model}

    def of(self, schema: Doc, place: str) -> Shape:
        """The shape of one place."""
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]).rpartition("/")[2], place)
        if "anyOf" in schema or "oneOf" in schema:
            return self._alternatives(schema.get("anyOf") or schema["oneOf"], place)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if values is not None:
            return self._values(values, place)
        kind = schema.get("type")
        if kind in PLAIN:
            return Shape(PLAIN[kind])
        if kind == "array":
            return self._list(schema, place)
        if kind == "object":
            return self._object(schema, place)
        raise self._refused(place, "may be anything: say its type")

    def _refused(self, place: str, why: str) -> UncarriableError:
        return UncarriableError(self._model, place, why)

    def _referred(self, name: str, place: str) -> Shape:
        if name in self._under_way:
            # A body could nest as deep as it is long, and what decodes it goes down by recursion.
            raise self._refused(place, f"holds {name} inside {name}: send a list, or references")
        if self._named.setdefault(_name(name), name) != name:
            raise self._refused(place, f"is a {name}, and so is another model in it, or itself: rename one")
        self._under_way.append(name)
        found = self.of({"title": name, **self._definitions[name]}, place)
        self._under_way.pop()
        if found.record is None:
            return found
        return replace(found, record=replace(found.record, name=_name(name)))

    def _alternatives(self, choices: Iterable[Doc], place: str) -> Shape:
        shapes = [self.of(one, place) for one in choices if one.get("type") != "null"]
        is_nullable = len(shapes) < len(list(choices)) or any(one.is_nullable for one in shapes)
        kinds = {one.kind for one in shapes}
        if kinds == {"whole", "number"}:
            return Shape("number", is_nullable)
        if len(kinds) == 1 and (len(shapes) == 1 or kinds <= set(PLAIN.values())):
            return replace(shapes[0], is_nullable=is_nullable)
        raise self._refused(place, "may be of several kinds: give each a field of its own that may be None")

    def _values(self, values: Iterable[Any], place: str) -> Shape:
        # bool before int: True is one.
        kinds: list[tuple[type, Kind]] = [(bool, "flag"), (str, "text"), (int, "whole"), (float, "number")]
        given = [value for value in values if value is not None]
        found: set[Kind | None] = {
            next((kind for cls, kind in kinds if isinstance(value, cls)), None) for value in given
        }
        kind = found.pop() if len(found) == 1 else None
        if kind is None:
            raise self._refused(place, "has values of several kinds: take one kind")
        return Shape(kind, is_nullable=len(given) < len(list(values)))

    def _list(self, schema: Doc, place: str) -> Shape:
        if "prefixItems" in schema or not isinstance(schema.get("items"), dict):
            raise self._refused(place, "has places of different kinds: make it a model with named fields")
        item = self.of(schema["items"], f"{place}[]")
        if _weighs_nothing(item):
            # A few bytes would say that a billion of them follow.
            raise self._refused(f"{place}[]", "has no fields, so that a list of it holds nothing: give it one")
        return Shape("list", item=item)

    def _object(self, schema: Doc, place: str) -> Shape:
        values = schema.get("additionalProperties")
        if "properties" not in schema and isinstance(values, dict) and values:
            return Shape("map", item=self.of(cast("Doc", values), f"{place}{{}}"))
        if "properties" not in schema and (values is True or values == {}):
            raise self._refused(place, "may hold anything: say of which type its values are")
        return Shape("record", record=Record(_name(str(schema.get("title", "Body"))), self._fields(schema, place)))

    def _fields(self, schema: Doc, place: str) -> tuple[Field, ...]:
        fields: list[Field] = []
        for name, part in schema.get("properties", {}).items():
            below = f"{place}.{name}" if place else name
            if not NAME.fullmatch(name):
                raise self._refused(below, "is no name there: use letters, digits and _, or an alias of them")
            number = part.get(NUMBER, fields[-1].number + 1 if fields else 1)
            self._check_number(number, fields, below)
            fields.append(Field(name, number, self.of(part, below), part.get("default", NO_DEFAULT)))
        return tuple(fields)

    def _check_number(self, number: Any, before: Iterable[Field], place: str) -> None:
        if type(number) is not int or not 1 <= number <= MOST_NUMBER or number in RESERVED:
            raise self._refused(place, f"has number {number!r}: take a whole number from 1 that is not {RESERVED}")
        twin = next((field.name for field in before if field.number == number), None)
        if twin:
            raise self._refused(place, f"has number {number}, as {twin} has: take another one")


def _weighs_nothing(shape: Shape) -> bool:
    """Whether a value of it takes no byte in Avro."""
    record = shape.record
    return record is not None and not shape.is_nullable and all(_weighs_nothing(one.shape) for one in record.fields)


def _name(text: str) -> str:
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return f"_{name}" if name[:1].isdigit() else name
