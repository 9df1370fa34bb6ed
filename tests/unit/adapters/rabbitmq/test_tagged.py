import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orchestrator.adapters.rabbitmq.tagged import tagged, untagged


@pytest.mark.parametrize(
    "value",
    [
        "text",
        7,
        2**62,
        1.5,
        True,
        None,
        bytearray(b"\x00\xff"),
        Decimal("1.50"),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        [1, bytearray(b"x"), ["deep", Decimal(1)]],
        {"a": {"b": bytearray(b"x")}},
        {"$bytes": "not ours"},
        {"$time": "no time"},
        {"$table": {"$bytes": 1}},
        {},
    ],
    ids=repr,
)
def test_every_header_value_comes_back_as_it_was(value) -> None:
    stored = json.loads(json.dumps(tagged({"x": value})))
    back = untagged(stored)["x"]
    assert (back, type(back)) == (value, type(value))


def test_raw_bytes_of_either_kind_come_back_as_the_client_library_writes_them() -> None:
    assert untagged(tagged({"x": b"y"})) == {"x": bytearray(b"y")}


def test_plain_values_read_as_they_are_written() -> None:
    assert tagged({"ce-id": "m1", "n": 1, "t": {"a": ["b"]}}) == {"ce-id": "m1", "n": 1, "t": {"a": ["b"]}}
