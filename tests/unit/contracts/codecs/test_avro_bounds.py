"""Schemas of others by which a few bytes could end the process are refused before anything is decoded by them."""

from typing import Any

import fastavro
import pytest

from orchestrator import Event
from orchestrator.contracts.codecs.avro import AvroCodec, avro_schema
from orchestrator.contracts.codecs.avro_bounds import check_bounded
from orchestrator.errors import UncarriableError


def record(*types: Any, name: str = "R") -> dict[str, Any]:
    fields = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(types)]
    return {"type": "record", "name": name, "namespace": "n", "fields": fields}


EMPTY = record(name="E")
UNBOUNDED = {
    "a record inside itself": record(["null", "R"]),
    "a record inside a list in itself": record({"type": "array", "items": "R"}),
    "a record inside a map in itself": record({"type": "map", "values": "n.R"}),
    "two that hold each other": record(["null", record(["null", "R"], name="S")]),
    "many nulls": record({"type": "array", "items": "null"}),
    "many of a record without fields": record({"type": "array", "items": EMPTY}),
    "many of one that is named before": record(EMPTY, {"type": "array", "items": "n.E"}),
    "many of nothing but nothing": record({"type": "array", "items": record("null", EMPTY, name="S")}),
    "many of a fixed length of none": record({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
}
BOUNDED = {
    "all that is usual": record(
        "string", ["null", "long"], {"type": "array", "items": ["null", "int"]}, {"type": "map", "values": "double"}
    ),
    "a record that is used twice": record(record("int", name="S"), "n.S", {"type": "array", "items": "n.S"}),
    "a record without fields": record(EMPTY),
    "logical types": record({"type": "long", "logicalType": "timestamp-millis"}),
    "an enumeration": record({"type": "array", "items": {"type": "enum", "name": "X", "symbols": ["A"]}}),
    "a list of lists": record({"type": "array", "items": {"type": "array", "items": "int"}}),
    "a fixed length": record({"type": "array", "items": {"type": "fixed", "name": "F", "size": 4}}),
}


@pytest.mark.parametrize("schema", UNBOUNDED.values(), ids=UNBOUNDED.keys())
def test_a_schema_without_bounds_is_refused(schema) -> None:
    with pytest.raises(UncarriableError, match="could"):
        check_bounded(fastavro.parse_schema(schema))


@pytest.mark.parametrize("schema", BOUNDED.values(), ids=BOUNDED.keys())
def test_any_other_is_taken(schema) -> None:
    check_bounded(fastavro.parse_schema(schema))


class Flown(Event, type="flown", codec="avro"):
    id: str
    legs: tuple[str, ...] = ()


def test_a_codec_looks_before_it_takes_a_schema() -> None:
    check_bounded(fastavro.parse_schema(avro_schema(Flown)))
    with pytest.raises(UncarriableError, match="n.R holds n.R inside n.R: a body could nest without end"):
        AvroCodec(Flown, [record(["null", "R"])])
