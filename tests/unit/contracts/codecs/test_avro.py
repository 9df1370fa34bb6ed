"""Avro: schemas that fastavro takes, bodies that name the schema they were written by."""

import sys
from datetime import date
from io import BytesIO
from typing import Any

import fastavro
import pytest
from pydantic import BaseModel

from orchestrator import Event
from orchestrator.contracts.codecs.avro import AvroCodec, avro_schema, fingerprint
from orchestrator.errors import MalformedMessageError, MissingExtraError, UncarriableError


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Placed(Event, type="order.placed", codec="avro"):
    order_id: str
    lines: tuple[Line, ...] = ()
    first: Line | None = None
    on: date | None = date(2020, 1, 1)
    total: float = 0.0
    gone: str | None


BODY = Placed(order_id="A17", lines=(Line(sku="t"),), gone=None).model_dump_json().encode()
CODEC = AvroCodec(Placed)


def test_the_schema_says_what_travels_and_a_model_is_written_out_once() -> None:
    schema = avro_schema(Placed)
    fields = {field["name"]: field for field in schema["fields"]}
    assert (schema["namespace"], schema["name"]) == ("order.placed", "Placed")
    assert fields["lines"]["type"]["items"]["name"] == "Line"
    assert fields["lines"]["default"] == []
    assert fields["first"] == {"name": "first", "type": ["null", "Line"], "default": None}
    assert fields["on"] == {"name": "on", "type": ["string", "null"], "default": "2020-01-01"}
    assert fields["gone"] == {"name": "gone", "type": ["null", "string"]}
    fastavro.parse_schema(schema)


def test_the_fingerprint_is_the_one_of_the_specification() -> None:
    # The published CRC-64-AVRO of "int" is 7275d51a3f395c8f; in a body its last byte comes first.
    assert fingerprint("int") == bytes.fromhex("7275d51a3f395c8f")[::-1]


def test_a_body_begins_with_the_mark_and_the_fingerprint_and_others_can_read_it() -> None:
    body = CODEC.encode(BODY)
    assert body[:10] == b"\xc3\x01" + fingerprint(fastavro.parse_schema(avro_schema(Placed)))
    read: Any = fastavro.schemaless_reader(BytesIO(body[10:]), fastavro.parse_schema(avro_schema(Placed)), None)
    assert read["lines"] == [{"sku": "t", "quantity": 1}]
    assert Placed.model_validate_json(CODEC.decode(body)) == Placed.model_validate_json(BODY)


OLDER = {
    "type": "record",
    "name": "Placed",
    "namespace": "order.placed",
    "fields": [{"name": "order_id", "type": "string"}, {"name": "gone", "type": ["null", "string"]}],
}


def test_a_body_by_another_schema_is_read_if_that_is_known_and_else_refused_with_what_to_do() -> None:
    class Older(Event, type="order.placed", codec="avro"):
        order_id: str
        gone: str | None

    body = AvroCodec(Older).encode(b'{"order_id": "A17", "gone": null}')
    other = {**OLDER, "name": "Older"}
    assert AvroCodec(Placed, [other]).decode(body) == b'{"order_id":"A17","gone":null}'
    with pytest.raises(MalformedMessageError, match="SAGA_AVRO_SCHEMAS"):
        CODEC.decode(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "must begin with C3 01"),
        (b'{"order_id": "A17"}', "must begin with C3 01"),
        (CODEC.encode(BODY)[:20], "cannot be read as Avro"),
        (CODEC.encode(BODY) + b"xx", "2 bytes too many"),
        (CODEC.encode(BODY)[:10] + b"\xff" * 20, "cannot be read as Avro"),
    ],
)
def test_a_body_that_is_none_is_refused(body, told) -> None:
    with pytest.raises(MalformedMessageError, match=told):
        CODEC.decode(body)


def test_bytes_where_json_has_text_are_refused() -> None:
    schema = {**OLDER, "fields": [{"name": "order_id", "type": "bytes"}]}
    parsed = fastavro.parse_schema(schema)
    made = BytesIO(b"\xc3\x01" + fingerprint(parsed))
    made.seek(10)
    fastavro.schemaless_writer(made, parsed, {"order_id": b"\xff"})
    with pytest.raises(MalformedMessageError, match="send them as base64"):
        AvroCodec(Placed, [schema]).decode(made.getvalue())


class Big(Event, type="big", codec="avro"):
    number: int


@pytest.mark.parametrize("body", [b'{"number": 9223372036854775808}', b"null", b"[]", b'{"number": "x"}'])
def test_a_value_that_does_not_fit_is_told(body) -> None:
    with pytest.raises(UncarriableError, match="big has a value that does not fit Avro"):
        AvroCodec(Big).encode(body)


def test_without_its_library_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(MissingExtraError, match=r"codec='avro' need fastavro: install saga-orchestrator\[avro\]"):
        AvroCodec(Placed)
