import base64

import pytest

from orchestrator.errors import SealError
from orchestrator.sealing import OPEN, Seal

K1 = "k1:" + base64.b64encode(b"1" * 32).decode()
K2 = "k2:" + base64.b64encode(b"2" * 32).decode()
VALUE = b'{"card": "4242"}'


def test_what_is_sealed_cannot_be_read_and_can_be_opened() -> None:
    seal = Seal.of(K1)
    sealed = seal.close(VALUE)
    assert b"4242" not in sealed
    assert seal.open(sealed) == VALUE


def test_the_same_value_is_sealed_differently_each_time() -> None:
    seal = Seal.of(K1)
    assert seal.close(VALUE) != seal.close(VALUE)


def test_without_a_key_values_stay_open() -> None:
    assert OPEN.close(VALUE) == Seal.of("").close(VALUE) == VALUE
    assert not OPEN.is_on


def test_what_was_written_before_there_was_a_key_can_be_read() -> None:
    assert Seal.of(K1).open(VALUE) == VALUE


def test_after_a_rotation_the_new_key_closes_and_the_old_one_still_opens() -> None:
    old, both = Seal.of(K1), Seal.of(f"{K2}, {K1}")
    assert both.open(old.close(VALUE)) == VALUE
    with pytest.raises(SealError, match="'k2' is not known"):
        old.open(both.close(VALUE))


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_value_that_was_changed_is_refused(place) -> None:
    sealed = bytearray(Seal.of(K1).close(VALUE)[6:])
    sealed[place] ^= 1
    with pytest.raises(SealError, match="changed"):
        Seal.of(K1).open(Seal.of(K1).close(VALUE)[:6] + bytes(sealed))


def test_a_value_cannot_be_passed_off_as_one_of_another_key() -> None:
    same_bytes = Seal.of("k2:" + K1.partition(":")[2])
    sealed = Seal.of(K1).close(VALUE).replace(b"k1", b"k2", 1)
    with pytest.raises(SealError, match="changed"):
        same_bytes.open(sealed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("k1", "id:base64"),
        (":" + K1.partition(":")[2], "id:base64"),
        ("k1:???", "not base64"),
        ("k1:" + base64.b64encode(b"short").decode(), "has 5 bytes"),
        (f"{K1},{K1}", "one id"),
    ],
)
def test_what_is_no_key_is_refused_and_told_why(text, told) -> None:
    with pytest.raises(ValueError, match=told) as error:
        Seal.of(text)
    assert K1.partition(":")[2] not in str(error.value)


def test_keys_are_not_shown() -> None:
    assert "AESGCM" not in repr(Seal.of(K1))
