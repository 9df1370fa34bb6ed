"""Shapes as Protobuf can place them: what it has no place for stands in a box, a record with the one field `value`.

Protobuf cannot tell a list that is None, or was not sent, from an empty one; it has no list of lists, and no None in a
list. After this a nullable field means: what is not there is None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.shapes import NO_DEFAULT, Field, Record, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = {"text": "string", "whole": "int64", "number": "double", "flag": "bool"}
"""How Protobuf calls what is no message."""
BOX_SUFFIX = "Box"


@dataclass(frozen=True, slots=True)
class Box(Shape):
    """The shape of a box; `record` has its field `value`."""


def boxed(record: Record) -> Record:
    """The same record with every value in a place that Protobuf has."""
    return replace(record, fields=tuple(replace(one, shape=_field(record.name, one)) for one in record.fields))


def described(field: Field) -> str:
    """A placed field in a few words, as `repeated string = 3`: what two programs must agree about."""
    return f"{_described(field.shape)} = {field.number}"


def records(record: Record) -> Iterator[Record]:
    """A record that was boxed, and all that it holds, boxes included."""
    yield record
    for field in record.fields:
        inner = field.shape.record or (field.shape.item.record if field.shape.item else None)
        if inner is not None:
            yield from records(inner)


def _field(owner: str, field: Field) -> Shape:
    shape, name = field.shape, f"{owner}{_camel(field.name)}{BOX_SUFFIX}"
    is_null_by_default = field.default is NO_DEFAULT or field.default is None
    if shape.kind in ("list", "map"):
        if shape.is_nullable and is_null_by_default:
            return replace(_box(name, replace(shape, is_nullable=False)), is_nullable=True)
        is_empty_by_default = field.default is NO_DEFAULT or not field.default
        return _box(name, shape) if shape.is_nullable or not is_empty_by_default else _plain(name, shape)
    if shape.is_nullable and not is_null_by_default:
        return _box(name, shape)
    return _plain(name, shape)


def _plain(name: str, shape: Shape) -> Shape:
    if shape.item is not None:
        return replace(shape, item=_item(name, shape.item))
    return shape if shape.record is None else replace(shape, record=boxed(shape.record))


def _item(name: str, shape: Shape) -> Shape:
    return _box(name, shape) if shape.is_nullable or shape.item is not None else _plain(name, shape)


def _box(name: str, shape: Shape) -> Box:
    inner = f"{name}{BOX_SUFFIX}"
    is_null_or_list = shape.is_nullable and shape.item is not None
    value = _box(inner, replace(shape, is_nullable=False)) if is_null_or_list else _plain(inner, shape)
    return Box("record", record=Record(name, (Field("value", 1, value),)))


def _described(shape: Shape) -> str:
    if shape.item is not None:
        item = _described(shape.item)
        return f"repeated {item}" if shape.kind == "list" else f"map<string, {item}>"
    if isinstance(shape, Box) and shape.record is not None:
        return f"box of {_described(shape.record.fields[0].shape)}"
    return WORDS.get(shape.kind, "message")


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))
