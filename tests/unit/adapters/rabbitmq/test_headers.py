from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.adapters.rabbitmq.headers import (
    LEFT_OUT,
    MAX_DEPTH,
    MAX_HEADER_BYTES,
    MAX_KEPT_BYTES,
    MAX_TRAVELLING,
    is_deep,
    kept,
    travelling,
)
from orchestrator.errors import MalformedMessageError


def nested(depth):
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_only_saga_headers_travel_and_all_as_text():
    found = travelling(
        {
            "saga-step": "reserve",
            "saga-attempt": 2,
            "saga-share": 0.5,
            "saga-price": Decimal("1.50"),
            "saga-dry": True,
            "saga-at": datetime(2026, 1, 2, tzinfo=UTC),
            "x-death": [{"count": 1}],
            "authorization": "secret",
        }
    )
    assert found == {
        "saga-step": "reserve",
        "saga-attempt": "2",
        "saga-share": "0.5",
        "saga-price": "1.50",
        "saga-dry": "true",
        "saga-at": "2026-01-02T00:00:00+00:00",
    }


def test_what_ladder_and_parking_wrote_stays_behind():
    assert travelling({"saga-relay-retries": "3", "saga-parked-reason": "ended"}) == {}


@pytest.mark.parametrize("value", [[], {}, bytearray(b"x"), b"x", None, "x" * (MAX_HEADER_BYTES + 1)], ids=repr)
def test_a_saga_header_that_is_no_short_plain_value_is_refused(value):
    with pytest.raises(MalformedMessageError, match="saga-step"):
        travelling({"saga-step": value})


def test_too_many_saga_headers_are_refused():
    with pytest.raises(MalformedMessageError, match="33 saga- headers"):
        travelling({f"saga-{number}": "x" for number in range(MAX_TRAVELLING + 1)})


def test_a_header_bomb_is_refused_even_in_a_header_that_would_not_travel():
    with pytest.raises(MalformedMessageError, match="nested deeper"):
        travelling({"bomb": nested(20_000)})


def test_depth_is_measured_without_recursion():
    assert not is_deep(nested(MAX_DEPTH))
    assert is_deep(nested(MAX_DEPTH + 1))
    assert is_deep({"a": [nested(100_000)]})
    assert not is_deep("text")


def test_ordinary_headers_are_kept_as_they_are():
    headers = {
        "ce-id": "m1",
        "count": 3,
        "ratio": 0.5,
        "tags": ["a", {"b": 1}],
        "none": None,
        "raw": bytearray(b"\x00"),
    }
    assert kept(headers) == headers


def test_bombs_and_what_cannot_be_sent_are_left_out_by_name():
    found = kept({"ce-id": "m1", "bomb": nested(20_000), "raw": b"\xff", "far": 2**70})
    assert found == {"ce-id": "m1", "bomb": LEFT_OUT, "raw": LEFT_OUT, "far": LEFT_OUT}


def test_what_the_broker_wrote_about_its_own_dead_lettering_is_dropped():
    assert kept({"x-death": [{"count": 1}], "x-first-death-queue": "q", "x-delivery-count": 3, "x-other": 1}) == {
        "x-other": 1
    }


def test_headers_never_fill_a_frame():
    found = kept({f"h{number}": "x" * 10_000 for number in range(50)})
    assert 0 < sum(len(name) + len(value) for name, value in found.items()) <= MAX_KEPT_BYTES
    assert list(found.values()).count("x" * 10_000) == 3
