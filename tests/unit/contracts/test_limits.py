"""Bounds of a reader against bounds of a writer, the including and the excluding ones."""

import pytest

from orchestrator.contracts.limits import limits

FITS = [
    ({"minimum": 1}, {"minimum": 1}),
    ({"minimum": 1}, {"exclusiveMinimum": 1}),
    ({"exclusiveMinimum": 1}, {"minimum": 2}),
    ({"maximum": 5}, {"exclusiveMaximum": 5}),
    ({"exclusiveMaximum": 5}, {"maximum": 4}),
    ({"minLength": 0}, {}),
    ({"minItems": 1}, {"minItems": 2}),
    ({}, {"maximum": 3, "format": "date", "pattern": "a", "multipleOf": 2, "uniqueItems": True}),
    ({"multipleOf": 2}, {"multipleOf": 4}),
    ({"format": "date"}, {"format": "date"}),
]
BREAKS = [
    ({"minimum": 1}, {}),
    ({"minimum": 1}, {"minimum": 0}),
    ({"exclusiveMinimum": 1}, {"minimum": 1}),
    ({"exclusiveMaximum": 5}, {"maximum": 5}),
    ({"maximum": 5}, {"exclusiveMaximum": 6}),
    ({"maxLength": 5}, {"maxLength": 6}),
    ({"maxProperties": 5}, {}),
    ({"multipleOf": 4}, {"multipleOf": 2}),
    ({"multipleOf": 4}, {}),
    ({"uniqueItems": True}, {}),
    ({"format": "date"}, {"format": "uuid"}),
    ({"format": "date"}, {}),
    ({"pattern": "a"}, {}),
]


@pytest.mark.parametrize(("reader", "writer"), FITS)
def test_what_lies_within_is_taken(reader, writer) -> None:
    assert list(limits(reader, writer)) == []


@pytest.mark.parametrize(("reader", "writer"), BREAKS)
def test_what_lies_beyond_is_not(reader, writer) -> None:
    assert [verdict for verdict, _ in limits(reader, writer)] == ["breaks"]


def test_two_patterns_are_for_a_person() -> None:
    (told,) = limits({"pattern": "a"}, {"pattern": "b"})
    assert told == ("unknown", "pattern must be 'a', and is 'b' where it is sent")


def test_the_sentence_names_both_bounds() -> None:
    assert list(limits({"maximum": 5}, {"maximum": 6})) == [("breaks", "maximum is 5, and was 6 where it is sent")]
