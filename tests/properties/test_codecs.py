"""Whatever a model may hold comes back as it was, by each codec; and whatever bytes come, they are read or refused."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pydantic import BaseModel, create_model

from orchestrator import Event
from orchestrator.contracts.codecs.avro import AvroCodec
from orchestrator.contracts.codecs.protobuf import ProtobufCodec
from orchestrator.errors import MalformedMessageError

NAMES = ("a", "b_c", "value", "cD")
TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=9)
NUMBERS = some.floats(allow_nan=False, allow_infinity=False).map(lambda found: found + 0.0)
SINGLE: list[tuple[Any, some.SearchStrategy[Any]]] = [
    (str, TEXT),
    (int, some.integers(-(2**63), 2**63 - 1)),
    (float, NUMBERS),
    (bool, some.booleans()),
    (date, some.dates()),
    (datetime, some.datetimes(timezones=some.just(UTC))),
    (Decimal, some.decimals(allow_nan=False, allow_infinity=False)),
    (UUID, some.uuids()),
    (Literal["x", "y"], some.sampled_from(["x", "y"])),
    (Literal[1, 2], some.sampled_from([1, 2])),
]
Kind = tuple[Any, some.SearchStrategy[Any]]


def around(kinds: some.SearchStrategy[Kind]) -> some.SearchStrategy[Kind]:
    return some.one_of(
        kinds.map(lambda kind: (list[kind[0]], some.lists(kind[1], max_size=3))),  # type: ignore[valid-type]
        kinds.map(lambda kind: (dict[str, kind[0]], some.dictionaries(TEXT, kind[1], max_size=3))),  # type: ignore[valid-type]
        kinds.map(lambda kind: (kind[0] | None, some.none() | kind[1])),
        some.lists(kinds, min_size=1, max_size=3).map(lambda inner: model_of(inner, BaseModel)),
    )


KINDS: some.SearchStrategy[Kind] = some.recursive(some.sampled_from(SINGLE), around, max_leaves=4)
_made = iter(range(10**9))


def model_of(kinds: list[Kind], base: type[BaseModel], defaults: tuple[Any, ...] = ()) -> Kind:
    name = f"Made{next(_made)}"
    fields = {
        field: (kind[0], default)
        for field, kind, default in zip(NAMES, kinds, (*defaults, *[...] * len(kinds)), strict=False)
    }
    made: Any = create_model(name, __base__=base, **fields)  # type: ignore[call-overload]
    values = dict(zip(NAMES, (kind[1] for kind in kinds), strict=False))
    return made, some.fixed_dictionaries(values).map(lambda given: made(**given))


@some.composite
def messages(draw: Any) -> Kind:
    kinds = draw(some.lists(KINDS, min_size=1, max_size=4))
    defaults = tuple(draw(kind[1]) if draw(some.booleans()) else ... for kind in kinds)
    return model_of(kinds, Event, defaults)


def same(one: Any, other: Any) -> bool:
    return bool(one == other) or (isinstance(one, float) and math.isclose(one, other))


@pytest.mark.parametrize("codec", [AvroCodec, ProtobufCodec])
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(data=some.data())
def test_an_instance_comes_back_as_it_was(codec: Any, data: some.DataObject) -> None:
    model, values = data.draw(messages())
    made = codec(model)
    for instance in (data.draw(values), data.draw(values)):
        body = instance.model_dump_json().encode()
        assert model.model_validate_json(made.decode(made.encode(body))) == model.model_validate_json(body)


class Line(BaseModel):
    sku: str
    quantity: int = 1
    notes: list[str] | None = None


class Placed(Event, type="order.placed"):
    id: str
    lines: tuple[Line, ...] = ()
    by_sku: dict[str, Line] = {}  # noqa: RUF012 - pydantic copies it
    weight: float = 0.0
    nested: list[list[int | None]] = []  # noqa: RUF012
    kind: Literal["a", "b"] = "a"


@pytest.mark.parametrize("codec", [AvroCodec(Placed), ProtobufCodec(Placed)], ids=["avro", "protobuf"])
@settings(max_examples=300, deadline=None)
@given(noise=some.binary(max_size=60), cut=some.integers(0, 40), at=some.integers(0, 60))
def test_no_bytes_do_anything_but_be_read_or_refused(codec: Any, noise: bytes, cut: int, at: int) -> None:
    sound = codec.encode(Placed(id="A17", lines=(Line(sku="t", notes=["x"]),), nested=[[1, None]]).model_dump_json())
    for body in (noise, sound[:10] + noise, sound[:cut], sound[:at] + noise + sound[at:]):
        try:
            decoded = codec.decode(body)
        except MalformedMessageError:
            continue
        assert isinstance(decoded, bytes)


def test_the_runtime_reads_it_as_the_descriptor_says() -> None:
    """What others read with the compiled file is what was meant, not only what we read back."""
    codec = ProtobufCodec(Placed)
    message: Any = codec._class()
    message.ParseFromString(codec.encode(b'{"id": "A17", "lines": [{"sku": "t", "quantity": 2, "notes": ["x"]}]}'))
    shown = MessageToDict(message, preserving_proto_field_name=True)
    assert shown == {"id": "A17", "lines": [{"sku": "t", "quantity": "2", "notes": {"value": ["x"]}}]}
