"""Protobuf: what is there and what is not, numbers that stay, and a file that the official compiler reads alike."""

import sys
from typing import Annotated

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc
from pydantic import BaseModel
from pydantic_core import from_json

from orchestrator import Event, numbered
from orchestrator.contracts.codecs.proto_text import proto_text
from orchestrator.contracts.codecs.protobuf import ProtobufCodec, descriptor_of
from orchestrator.errors import MalformedMessageError, MissingExtraError, UncarriableError


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Placed(Event, type="order.placed", codec="protobuf"):
    order_id: str
    lines: tuple[Line, ...] = ()
    first: Line | None = None
    note: str | None = "none"
    tags: list[str] | None = None
    grid: list[list[float]] = []  # noqa: RUF012
    by_sku: dict[str, Line] = {}  # noqa: RUF012
    counts: dict[str, int] = {}  # noqa: RUF012
    is_gift: bool = False


CODEC = ProtobufCodec(Placed)


def back(body: bytes) -> Placed:
    return Placed.model_validate_json(CODEC.decode(CODEC.encode(body)))


def test_what_is_not_sent_gets_the_readers_default_and_none_stays_none() -> None:
    assert back(b'{"order_id": ""}') == Placed(order_id="")
    assert back(b'{"order_id": "a", "note": null}').note is None
    assert back(b'{"order_id": "a", "tags": []}').tags == []
    assert back(b'{"order_id": "a", "tags": null}').tags is None
    assert "order_id" not in from_json(CODEC.decode(b""))


def test_an_empty_record_is_there() -> None:
    class Empty(BaseModel):
        pass

    class Holding(Event, type="holding"):
        it: Empty | None = None

    codec = ProtobufCodec(Holding)
    assert codec.decode(codec.encode(b'{"it": {}}')) == b'{"it":{}}'
    assert codec.decode(codec.encode(b'{"it": null}')) == b'{"it":null}'


def test_a_field_at_the_end_changes_no_number_and_old_and_new_read_each_other() -> None:
    class Later(Event, type="order.placed"):
        order_id: str
        lines: tuple[Line, ...] = ()
        first: Line | None = None
        note: str | None = "none"
        tags: list[str] | None = None
        grid: list[list[float]] = []  # noqa: RUF012
        by_sku: dict[str, Line] = {}  # noqa: RUF012
        counts: dict[str, int] = {}  # noqa: RUF012
        is_gift: bool = False
        colour: str = "red"

    old, new = (from_fields(model) for model in (Placed, Later))
    assert {name: number for name, number in new.items() if name != "colour"} == old
    later = ProtobufCodec(Later)
    assert Placed.model_validate_json(CODEC.decode(later.encode(b'{"order_id": "a", "colour": "b"}'))).order_id == "a"
    assert Later.model_validate_json(later.decode(CODEC.encode(b'{"order_id": "a"}'))).colour == "red"


def from_fields(model: type[Event]) -> dict[str, int]:
    return {field.name: field.number for field in descriptor_of(model).message_type[0].field}


def test_a_field_may_say_its_number() -> None:
    class Told(Event, type="told"):
        a: str
        c: Annotated[str, numbered(5)] = ""
        d: str = ""

    assert from_fields(Told) == {"a": 1, "c": 5, "d": 6}


def test_the_file_compiles_to_the_very_descriptor(tmp_path) -> None:
    file = descriptor_of(Placed)
    source = tmp_path / file.name
    source.parent.mkdir(parents=True)
    source.write_text(proto_text(file))
    made = tmp_path / "made.bin"
    assert protoc.main(["protoc", f"--proto_path={tmp_path}", f"--descriptor_set_out={made}", str(source)]) == 0
    (compiled,) = FileDescriptorSet.FromString(made.read_bytes()).file
    for message in compiled.message_type:
        for field in (*message.field, *(one for nested in message.nested_type for one in nested.field)):
            field.ClearField("json_name")
    assert compiled == file


def test_a_body_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedMessageError, match="cannot be read as Protobuf"):
        CODEC.decode(b"\xff\xff\xff")


class Big(Event, type="big"):
    number: int


@pytest.mark.parametrize("body", [b'{"number": 9223372036854775808}', b"null", b"[]", b'{"number": "x"}'])
def test_a_value_that_does_not_fit_is_told(body) -> None:
    if body == b"[]":
        assert ProtobufCodec(Big).encode(body) == b"", "nothing is in it"
        return
    with pytest.raises(UncarriableError, match="big has a value that does not fit Protobuf"):
        ProtobufCodec(Big).encode(body)


def test_two_messages_of_one_name_make_no_file() -> None:
    class HoldingItBox(BaseModel):
        a: int

    class Holding(Event, type="holding"):
        it: list[str] | None
        box: HoldingItBox

    with pytest.raises(UncarriableError, match="Holding makes two Protobuf messages HoldingItBox: rename one"):
        ProtobufCodec(Holding)


def test_without_its_library_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "google.protobuf.descriptor_pb2", None)
    monkeypatch.delattr("google.protobuf.descriptor_pb2", raising=False)
    with pytest.raises(MissingExtraError, match=r"need protobuf: install saga-orchestrator\[protobuf\]"):
        ProtobufCodec(Placed)
