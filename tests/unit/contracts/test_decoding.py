from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from orchestrator.contracts.decoding import LARGEST_NUMBER, SMALLEST_NUMBER, children, decode
from orchestrator.errors import MalformedMessageError

REFUSED = {
    "empty": b"",
    "not json": b"hello",
    "truncated": b'{"a": 1',
    "two values": b"{} {}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "not utf-8": b'"\xff"',
    "nested 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "nested 100,000 objects": b'{"a":' * 100_000,
    "lone surrogate": rb'"\ud800"',
    "reversed surrogates": rb'"\udc00\ud800"',
    "nan": b'{"a": NaN}',
    "infinity": b"[Infinity]",
    "negative infinity": b"-Infinity",
    "infinity by exponent": b'{"a": [1e999]}',
    "negative infinity by exponent": b"-1E+400",
    "infinity by digits": b"1" * 400 + b".0",
    "a megabyte of digits": b"1" * 1_000_000,
    "an integer of 65 bits": str(LARGEST_NUMBER + 1).encode(),
    "a negative integer of 65 bits": str(SMALLEST_NUMBER - 1).encode(),
    "a huge integer deep inside": b'{"a": [{"b": 99999999999999999999999999}]}',
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_acceptable_json_is_refused_with_a_short_reason(body):
    with pytest.raises(MalformedMessageError) as error:
        decode(body)
    assert len(str(error.value)) < 400


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(MalformedMessageError, match="it begins with a byte order mark"):
        decode(REFUSED["byte order mark"])


@pytest.mark.parametrize("number", [LARGEST_NUMBER, SMALLEST_NUMBER, 0, -1, 1e300, 1.5])
def test_numbers_that_every_store_can_keep_are_taken(number):
    assert decode(to_json(number)) == number


def test_long_digits_in_text_are_no_number():
    assert decode(b'"' + b"9" * 100 + b'"') == "9" * 100


def test_true_is_no_huge_number():
    assert decode(b"[true, 1000000000000000000]") == [True, 10**18]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(SMALLEST_NUMBER, LARGEST_NUMBER) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_every_ordinary_value_comes_back_as_it_was(value):
    assert decode(to_json(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused_and_nothing_else(body):
    with suppress(MalformedMessageError):
        decode(body)


def test_children_of_a_plain_value_are_none():
    assert children("text") == []
    assert children({"a": [1], "b": 2}) == [[1], 2]
    assert children([1, 2]) == [1, 2]


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    assert decode(b'{"id": "a", "id": "b"}') == {"id": "b"}
